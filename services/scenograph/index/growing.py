"""Numpy arrays that grow at their end while others read them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


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
