"""Sums over rows of columns, which rows can be added to and taken from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scenograph.index.mapped import WORD, Mapped, stretched
from scenograph.index.table import Content

CHUNK_BYTES = 4 * 1024 * 1024
STRING_BYTES = 64  # what a string is taken to have, where chunks are made
MULTIPLIER = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def checksum(column: Content, rows: NDArray[np.int64]) -> int:
    """The sum of the words of these rows, each times an odd number that belongs to its place, modulo 2^64.

    So one changed word always changes it, and the sum of two sets of rows is that of both. Of strings, their
    bytes are summed, not their ends.
    """
    if isinstance(column, Mapped):
        return _sum(column.data, column.row_bytes, rows)
    total = 0
    for chunk in _chunks(rows, STRING_BYTES):
        starts, ends = column.spans(chunk)
        words = stretched(starts // WORD, -(-ends // WORD))
        total += _sum(column.words.data, WORD, words)
    return total & MASK


def _sum(data: NDArray[np.generic], row_bytes: int, rows: NDArray[np.int64]) -> int:
    """Row i of w words holds words i w to i w + w - 1; word k counts (2 k + 1) MULTIPLIER times."""
    if not row_bytes:
        return 0
    size = next(size for size in (8, 4, 2, 1) if row_bytes % size == 0)
    width = row_bytes // size
    plain = (2 * np.arange(width, dtype=np.uint64) + np.uint64(1)) * np.uint64(MULTIPLIER)
    step = np.uint64(2 * width * MULTIPLIER & MASK)
    total = 0
    for chunk in _chunks(rows, row_bytes):
        words = data[chunk].reshape(len(chunk), -1).view(f"u{size}").astype(np.uint64, copy=False)
        by_row = words.sum(axis=1, dtype=np.uint64)
        total += int((words @ plain).sum(dtype=np.uint64))
        total += int((by_row * (chunk.astype(np.uint64) * step)).sum(dtype=np.uint64))
    return total & MASK


def _chunks(rows: NDArray[np.int64], row_bytes: int) -> Iterator[NDArray[np.int64]]:
    size = max(1, CHUNK_BYTES // row_bytes)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
