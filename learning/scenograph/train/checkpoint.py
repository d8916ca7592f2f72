"""A training's state on disk: written whole or not at all."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from scenograph.scene.errors import DataLoss, FailedPrecondition

FILE = "checkpoint.pt"


@dataclass(slots=True)
class State:
    """Where a training stands: `step` steps of epoch `epoch` are done, and what was measured so far.

    `sums` are the losses summed over this epoch's steps; `best` holds the weights to keep, and `bad` counts
    validations since.
    """

    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    best_score: float = float("-inf")
    bad: int = 0
    done: bool = False


def save(folder: Path, state: State, parts: dict[str, Any], fingerprint: str) -> None:
    """Write the checkpoint, replacing the last one in one move. Errors: OSError."""
    values = {name: getattr(state, name) for name in State.__slots__}
    partial = folder / f"{FILE}.partial"
    with partial.open("wb") as file:
        torch.save({"fingerprint": fingerprint, "state": values, "parts": parts}, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / FILE)


def load(folder: Path, fingerprint: str) -> tuple[State, dict[str, Any]] | None:
    """The state and the parts last saved; None where there is no checkpoint.

    Errors: FailedPrecondition (another recipe's or another data's), DataLoss (not readable).
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DataLoss(f"{path} is not a readable checkpoint: {error}") from error
    if saved["fingerprint"] != fingerprint:
        raise FailedPrecondition(
            f"{path} belongs to a training with other settings or data; train without it"
        )
    return State(**saved["state"]), saved["parts"]
