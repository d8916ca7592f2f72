"""Reading published files, with errors that say which file, what was expected, and where it is published."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import LabelArray
from scenograph.scene.errors import InvalidInput

_HDF5 = b"\x89HDF\r\n\x1a\n"


def wrong(card: DatasetCard, file: Path, problem: str) -> InvalidInput:
    """The error of a file that is not as published."""
    return InvalidInput(f"{file}: {problem} ({card.title} is published at {card.url})")


def find(card: DatasetCard, folder: Path, *places: str, what: str = "") -> Path:
    """The first of `places` that is in the folder. Errors: InvalidInput, naming all that were looked for."""
    for place in places:
        if (folder / place).exists():
            return folder / place
    raise InvalidInput(
        f"{folder} holds no {' nor '.join(places)}{f' ({what})' if what else ''}: {card.title} needs it; "
        f"get it from {card.url}"
    )


def has(folder: Path, *places: str) -> bool:
    """Whether any of `places` exists in the folder."""
    return any((folder / place).exists() for place in places)


def lines(card: DatasetCard, file: Path, count: int | None = None, *, encoding: str = "utf-8") -> list[str]:
    """The non-empty lines of a text file; `count`, where given, is how many the published file has."""
    try:
        found = [line for line in file.read_text(encoding=encoding).splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise wrong(card, file, f"cannot be read as text: {error}") from error
    if count is not None and len(found) != count:
        raise wrong(card, file, f"has {len(found)} lines, the published file has {count}")
    return found


def read_json(card: DatasetCard, file: Path) -> Any:
    """The value of a JSON file."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise wrong(card, file, f"is no JSON: {error}") from error


def read_mat(card: DatasetCard, file: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Variables of a MATLAB file, any version. v7.3 files are HDF5: MATLAB's arrays lie transposed there.

    Errors: InvalidInput where the file is no MATLAB file, or lacks a variable (naming those it has).
    """
    from scipy.io import loadmat

    if _is_hdf5(file):
        return _read_hdf5(card, file, names)
    try:
        values: Mapping[str, Any] = loadmat(file)
    except (OSError, ValueError, TypeError) as error:
        raise wrong(card, file, f"is no MATLAB file: {error}") from error
    _check_names(card, file, names, [name for name in values if not name.startswith("__")])
    return {name: _dense(values[name]) for name in names}


def _dense(value: Any) -> NDArray[Any]:
    return np.asarray(value.toarray() if hasattr(value, "toarray") else value)


def _is_hdf5(file: Path) -> bool:
    """Whether the file is HDF5; MATLAB writes 512 bytes of its own before."""
    with file.open("rb") as content:
        head = content.read(520)
    return _HDF5 in (head[:8], head[512:])


def _read_hdf5(card: DatasetCard, file: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    import h5py

    try:
        with h5py.File(file, "r") as values:
            _check_names(card, file, names, list(values))
            return {
                name: np.asarray(values[name]).T if "MATLAB_class" in values[name].attrs else values[name][()]
                for name in names
            }
    except OSError as error:
        raise wrong(card, file, f"is no MATLAB v7.3 file: {error}") from error


def _check_names(card: DatasetCard, file: Path, names: Sequence[str], there: Sequence[str]) -> None:
    missing = [name for name in names if name not in there]
    if missing:
        raise wrong(card, file, f"has no variable {', '.join(missing)}; it has {', '.join(sorted(there))}")


def one_hot(classes: NDArray[Any], count: int) -> LabelArray:
    """Class numbers 0 ... count-1 -> (n, count) bool."""
    return np.asarray(np.asarray(classes).reshape(-1, 1) == np.arange(count), dtype=np.bool_)


def rows_by(keys: Iterable[str]) -> dict[str, int]:
    """The row of each key."""
    return {key: row for row, key in enumerate(keys)}
