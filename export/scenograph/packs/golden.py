"""golden.npz: for each model small inputs and the outputs it gave when the pack was built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FILE_NAME = "golden.npz"

Array = npt.NDArray[Any]
# Model name -> (inputs by name, outputs by name).
Golden = dict[str, tuple[dict[str, Array], dict[str, Array]]]


def read_golden(path: Path) -> Golden:
    """Read what `write_golden` wrote."""
    golden: Golden = {}
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:
            model, side, tensor = key.split("/")
            inputs, outputs = golden.setdefault(model, ({}, {}))
            (inputs if side == "in" else outputs)[tensor] = arrays[key]
    return golden


def write_golden(path: Path, golden: Mapping[str, tuple[Mapping[str, Array], Mapping[str, Array]]]) -> None:
    """Write inputs and outputs of models; the same arrays give the same bytes."""
    arrays: dict[str, Any] = {
        f"{model}/{side}/{tensor}": array
        for model, sides in golden.items()
        for side, tensors in zip(("in", "out"), sides, strict=True)
        for tensor, array in tensors.items()
    }
    np.savez_compressed(path, allow_pickle=False, **arrays)
