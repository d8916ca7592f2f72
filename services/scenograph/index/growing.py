"""Numpy arrays that grow at their end while others read them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

BLOCK_ROWS = 65_536


class Growing:
    """Rows are written once, at the end; a reader that knows of n rows may use `data[:n]` at any time,
    without a lock.

    Growth copies into a larger array before it takes the smaller one's place. Unused room is not touched, so
    it takes no memory.
    """

    def __init__(self, dtype: DTypeLike, width: int | None = None, capacity: int = 1024) -> None:
        self._row = () if width is None else (width,)
        self.data: NDArray[Any] = np.empty((capacity, *self._row), dtype)

    def write(self, start: int, values: NDArray[Any]) -> None:
        """Puts rows at [start, start + len(values)); nobody may have been told of those rows yet."""
        end = start + len(values)
        if end > len(self.data):
            grown = np.empty((max(end, len(self.data) * 3 // 2), *self._row), self.data.dtype)
            grown[:start] = self.data[:start]
            grown[start:end] = values
            self.data = grown
        else:
            self.data[start:end] = values


class Blocks:
    """Wide rows that grow in blocks: nothing is copied when there are more. Rows are read by gathering them.

    As with Growing, rows once written never change, and a reader needs no lock for those it knows of.
    """

    def __init__(self, dtype: DTypeLike, width: int) -> None:
        self._dtype = dtype
        self._width = width
        self._blocks: list[NDArray[Any]] = []

    def write(self, start: int, values: NDArray[Any]) -> None:
        """Puts rows at [start, start + len(values)); nobody may have been told of those rows yet."""
        while start + len(values) > len(self._blocks) * BLOCK_ROWS:
            self._blocks.append(np.empty((BLOCK_ROWS, self._width), self._dtype))
        done = 0
        while done < len(values):
            block, at = divmod(start + done, BLOCK_ROWS)
            part = values[done : done + BLOCK_ROWS - at]
            self._blocks[block][at : at + len(part)] = part
            done += len(part)

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Copies of the rows. Shapes: rows (n,) -> (n, width)."""
        if not len(rows):
            return np.empty((0, self._width), self._dtype)
        first = int(rows[0]) // BLOCK_ROWS
        numbers, places = np.divmod(rows, BLOCK_ROWS)
        if (numbers == first).all():
            return self._blocks[first][places]
        taken = np.empty((len(rows), self._width), self._dtype)
        for number in np.unique(numbers).tolist():
            mine = numbers == number
            taken[mine] = self._blocks[number][places[mine]]
        return taken
