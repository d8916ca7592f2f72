"""Token states of captions: ragged, so one long array of states and the place where each caption begins."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from scenograph.scene.errors import InvalidInput


@dataclass(frozen=True, slots=True, eq=False)
class TextFeatures:
    """What a text encoder says of a batch, padded.

    Shapes: ids (B, T) integers, mask (B, T) 1 for a token and 0 for padding (tokens first), states (B, T, d),
    sentence (B, d).
    """

    ids: NDArray[Any]
    mask: NDArray[Any]
    states: NDArray[Any]
    sentence: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class TokenStates:
    """Cached captions: caption i's tokens are rows offsets[i] ... offsets[i+1]-1 of `ids` and `states`.

    Shapes: ids (tokens,) int32, states (tokens, d) float16, offsets (n+1,) int64, sentence (n, d) float32.
    """

    ids: NDArray[np.int32]
    states: NDArray[np.float16]
    offsets: NDArray[np.int64]
    sentence: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.sentence)

    def caption(self, index: int) -> NDArray[np.float16]:
        """The states of one caption's tokens, (T, d)."""
        return self.states[self.offsets[index] : self.offsets[index + 1]]

    @classmethod
    def read(cls, place: Path) -> TokenStates:
        """A finished entry, memory-mapped, read-only."""
        names = ("ids", "states", "offsets", "sentence")
        return cls(*(np.load(place / f"{name}.npy", mmap_mode="r") for name in names))


class TokenCache:
    """Captions under way: a file for each finished part, joined when all are there."""

    def __init__(self, folder: Path, texts: Sequence[str], size: int) -> None:
        self._folder = folder
        self._parts = [
            range(start, min(start + size, len(texts))) for start in range(0, len(texts), max(size, 1))
        ]
        folder.mkdir(parents=True, exist_ok=True)

    def missing(self) -> list[range]:
        """The parts that are not finished."""
        return [part for part in self._parts if not self._file(part).exists()]

    def put(self, part: range, features: TextFeatures) -> None:
        """Keep the features of a part. Errors: InvalidInput (not one row a caption)."""
        if not len(features.ids) == len(features.mask) == len(features.states) == len(part):
            raise InvalidInput(f"features of {len(features.ids)} captions came for {len(part)}")
        mask = np.asarray(features.mask, np.bool_)
        new = self._file(part).with_suffix(f".{os.getpid()}.new")
        with new.open("wb") as out:
            np.savez(
                out,
                ids=np.asarray(features.ids)[mask].astype(np.int32),
                states=np.asarray(features.states)[mask].astype(np.float16),
                lengths=mask.sum(axis=1, dtype=np.int64),
                sentence=np.asarray(features.sentence, np.float32),
            )
        new.replace(self._file(part))

    def publish(self, place: Path, facts: Mapping[str, Any]) -> None:
        """Join the parts and move the entry to its place, in one step."""
        lengths = np.concatenate([self._load(part, "lengths") for part in self._parts])
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        np.save(self._folder / "offsets.npy", offsets)
        for name, rows in (
            ("ids", int(offsets[-1])),
            ("states", int(offsets[-1])),
            ("sentence", len(lengths)),
        ):
            self._join(name, rows)
        text = json.dumps({**facts, "captions": len(lengths), "tokens": int(offsets[-1])}, indent=1)
        (self._folder / "entry.json").write_text(text + "\n", encoding="utf-8")
        place.parent.mkdir(parents=True, exist_ok=True)
        self._folder.rename(place)
        for file in place.glob("part-*"):
            file.unlink()

    def _join(self, name: str, rows: int) -> None:
        first = self._load(self._parts[0], name)
        joined = open_memmap(self._folder / f"{name}.npy", "w+", first.dtype, (rows, *first.shape[1:]))
        start = 0
        for part in self._parts:
            values = self._load(part, name)
            joined[start : start + len(values)] = values
            start += len(values)
        joined.flush()

    def _load(self, part: range, name: str) -> NDArray[Any]:
        with np.load(self._file(part)) as values:
            found: NDArray[Any] = values[name]
        return found

    def _file(self, part: range) -> Path:
        return self._folder / f"part-{part.start}-{part.stop}.npz"
