"""An entry of the feature cache while it is computed: memory-mapped arrays, and a mark for each finished row.

A row is marked after its features are written, so that whatever stops the process, even kill -9, marked rows
are whole: the next run computes the others only.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from scenograph.scene.errors import InvalidInput

Arrays = Mapping[str, NDArray[Any]]
MARKS = "marks.npy"
COMMIT_SECONDS = 1.0


class Filling:
    """Rows 0 ... rows-1 of a folder's arrays. For one process and one thread at a time."""

    def __init__(self, folder: Path, rows: int) -> None:
        self._folder = folder
        self._rows = rows
        self._arrays: dict[str, NDArray[Any]] = {}
        self._written: list[Sequence[int]] = []
        self._committed = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / MARKS).exists():
            _replace(folder / MARKS, np.zeros(rows, np.bool_))
        self._marks = np.load(folder / MARKS, mmap_mode="r+")
        for name in _array_names(folder):
            self._arrays[name] = np.load(folder / f"{name}.npy", mmap_mode="r+")

    def missing(self) -> list[int]:
        """The rows that are not finished, ascending."""
        return np.flatnonzero(~self._marks).tolist()

    def put(self, rows: Sequence[int], features: Arrays) -> None:
        """Keep the features of these rows. Errors: InvalidInput (shapes or names unlike the other rows')."""
        if not self._arrays:
            self._create(features)
        if features.keys() != self._arrays.keys():
            raise InvalidInput(f"features {sorted(features)} came where {sorted(self._arrays)} came before")
        for name, values in features.items():
            array = self._arrays[name]
            if values.shape != (len(rows), *array.shape[1:]):
                raise InvalidInput(
                    f"{name} has shape {values.shape} for {len(rows)} rows of {array.shape[1:]} each"
                )
            array[list(rows)] = values
        self._written.append(rows)
        if time.monotonic() - self._committed > COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Mark the rows put so far, after writing them to the disk."""
        for array in self._arrays.values():
            _flush(array)
        for rows in self._written:
            self._marks[list(rows)] = True
        _flush(self._marks)
        self._written.clear()
        self._committed = time.monotonic()

    def publish(self, place: Path, facts: Mapping[str, Any]) -> None:
        """Move the finished entry to its place, in one step; `facts` go into its entry.json."""
        self.commit()
        shapes = {name: [list(array.shape), str(array.dtype)] for name, array in self._arrays.items()}
        text = json.dumps({**facts, "rows": self._rows, "arrays": shapes}, indent=1)
        (self._folder / "entry.json").write_text(text + "\n", encoding="utf-8")
        place.parent.mkdir(parents=True, exist_ok=True)
        self._folder.rename(place)
        (place / MARKS).unlink()

    def _create(self, features: Arrays) -> None:
        """Empty arrays like these features, all of them or none: an unfinished set begins anew."""
        for name, values in features.items():
            shape = (self._rows, *values.shape[1:])
            self._arrays[name] = open_memmap(self._folder / f"{name}.npy", "w+", values.dtype, shape)
        names = self._folder / "names.json"
        names.with_suffix(".new").write_text(json.dumps(sorted(features)), encoding="utf-8")
        names.with_suffix(".new").replace(names)


def read_entry(place: Path) -> dict[str, NDArray[Any]]:
    """A published entry's arrays, memory-mapped, read-only."""
    return {name: np.load(place / f"{name}.npy", mmap_mode="r") for name in _array_names(place)}


def _array_names(folder: Path) -> list[str]:
    names = folder / "names.json"
    return list(json.loads(names.read_text(encoding="utf-8"))) if names.exists() else []


def _flush(array: NDArray[Any]) -> None:
    if isinstance(array, np.memmap):
        array.flush()


def _replace(file: Path, values: NDArray[Any]) -> None:
    """Write a file so that it is there whole or not at all."""
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    with new.open("wb") as out:
        np.save(out, values)
    new.replace(file)
