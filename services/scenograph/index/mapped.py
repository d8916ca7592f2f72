"""Columns in files: rows are written at the end and read through a memory map, so that what holds them in
memory is the system's page cache.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from scenograph.index.files import sync_file

WORD = 8
LEAST_ROWS = 1024
MOST_ROWS = 2**31
"""More than a table has: its slots are numbered in 32 bits."""
Value = TypeVar("Value", bytes, str)


class Mapped:
    """Rows of one size. A reader that knows of n rows may use `data[:n]` at any time, without a lock.

    Room for more is a hole in the file, which takes none on the disk; a full disk fails the write, with
    OSError. Nothing is on the disk until the first row is.
    """

    data: NDArray[Any]

    def __init__(self, path: Path, dtype: DTypeLike, width: int | None = None) -> None:
        self._lay_out(dtype, width)
        self.path = path
        if path.exists() and self.row_bytes:
            self._map(path.stat().st_size // self.row_bytes)

    def write(self, start: int, values: NDArray[Any]) -> None:
        """Puts rows at [start, start + len(values)); nobody may have been told of those rows yet."""
        end = start + len(values)
        if end > start and self.row_bytes:
            self._put(start, np.ascontiguousarray(values, self._dtype), max(end, LEAST_ROWS))

    def erase(self, rows: NDArray[np.int64], content: bytes = b"") -> None:
        """Writes over rows that nobody reads any more: `content`, then zeros."""
        if not self.row_bytes:
            return
        for start, stop in runs(rows):
            self._put(start, _filled(content, (stop - start) * self.row_bytes), 0)

    def holds(self, rows: int) -> bool:
        """Whether the file is long enough for so many rows."""
        return not self.row_bytes or len(self.data) >= rows

    def sync(self) -> None:
        """Makes what was written durable."""
        if self.path.exists():
            sync_file(self.path)

    def _lay_out(self, dtype: DTypeLike, width: int | None) -> None:
        self._dtype = np.dtype(dtype)
        self._shape: tuple[int, ...] = () if width is None else (width,)
        self.row_bytes = self._dtype.itemsize * (1 if width is None else width)
        rows = 0 if self.row_bytes else MOST_ROWS  # of nothing there are always enough
        self.data = np.zeros((rows, *self._shape), self._dtype)

    def _put(self, start: int, values: NDArray[Any], room: int) -> None:
        if room and not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | (os.O_CREAT if room else 0), 0o644)
        try:
            rest, at = values.reshape(-1).view(np.uint8).data, start * self.row_bytes
            while rest:
                done = os.pwrite(descriptor, rest, at)
                rest, at = rest[done:], at + done
            if room > len(self.data):
                room = max(room, len(self.data) * 3 // 2)
                os.ftruncate(descriptor, room * self.row_bytes)
        finally:
            os.close(descriptor)
        if room > len(self.data):
            self._map(room)

    def _map(self, rows: int) -> None:
        if not rows:
            return
        with self.path.open("rb") as file:
            view = mmap.mmap(file.fileno(), rows * self.row_bytes, access=mmap.ACCESS_READ)
        self.data = np.frombuffer(view, self._dtype).reshape(rows, *self._shape)


class InMemory(Mapped):
    """The same without a file: for what may not lie on a disk as it is."""

    def __init__(self, dtype: DTypeLike, width: int | None = None) -> None:
        self._lay_out(dtype, width)

    def sync(self) -> None:
        """Nothing here is durable."""

    def _put(self, start: int, values: NDArray[Any], room: int) -> None:
        if room > len(self.data):
            grown = np.zeros((max(room, len(self.data) * 3 // 2), *self._shape), self._dtype)
            grown[: len(self.data)] = self.data
            self.data = grown
        flat = values.reshape(-1).view(np.uint8)
        at = start * self.row_bytes
        self.data.reshape(-1).view(np.uint8)[at : at + len(flat)] = flat


def column(path: Path | None, dtype: DTypeLike, width: int | None = None) -> Mapped:
    """A column in a file, or in memory where there is no path."""
    return InMemory(dtype, width) if path is None else Mapped(path, dtype, width)


class Blobs(Sequence[Value], Generic[Value]):
    """Bytes, or texts, of any length: where each ends, and their bytes, each from a multiple of 8 on. Without
    a path they are in memory.
    """

    def __init__(self, path: Path | None, kind: type[Value]) -> None:
        self._kind: type[bytes] | type[str] = kind
        self.ends = column(path and path.with_name(f"{path.name}.ends"), np.int64)
        self.words = column(path and path.with_name(f"{path.name}.bytes"), np.uint64)

    def __len__(self) -> int:
        return len(self.ends.data)

    @overload
    def __getitem__(self, place: int) -> Value: ...

    @overload
    def __getitem__(self, place: slice) -> list[Value]: ...

    def __getitem__(self, place: int | slice) -> Value | list[Value]:
        if isinstance(place, slice):
            return self.take(np.arange(*place.indices(len(self))))
        return self.take(np.array([place]))[0]

    def take(self, places: NDArray[np.int64]) -> list[Value]:
        """Those at some places.  Shapes: places (n,) -> n."""
        starts, ends = self.spans(places)
        content = self.words.data.view(np.uint8).data
        cut = [content[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        return [str(part, "utf-8") for part in cut] if self._kind is str else [bytes(part) for part in cut]  # type: ignore[misc]

    def padded(self, places: NDArray[np.int64]) -> NDArray[np.bytes_]:
        """The bytes of those at some places, all of one length, zeros behind: they sort as the strings do,
        UTF-8 as its code points.  Shapes: places (n,) -> (n,).
        """
        starts, ends = self.spans(places)
        first, counts = starts // WORD, -(-ends // WORD) - starts // WORD
        columns = np.arange(max(1, int(counts.max(initial=1))))
        inside = columns < counts[:, np.newaxis]
        words = np.where(inside, self.words.data[np.where(inside, first[:, np.newaxis] + columns, 0)], 0)
        return words.astype(np.uint64).view(f"S{WORD * len(columns)}")[:, 0]

    def spans(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and last + 1 byte of each.  Shapes: places (n,) -> (n,), (n,)."""
        ends = self.ends.data
        before = np.where(places > 0, ends[np.maximum(places, 1) - 1], 0)
        return _aligned(before), ends[places]

    def holds(self, strings: int) -> bool:
        """Whether the files are long enough for so many strings."""
        if not strings:
            return True
        return self.ends.holds(strings) and self.words.holds(-(-int(self.ends.data[strings - 1]) // WORD))

    def sync(self) -> None:
        """Makes what was written durable."""
        self.ends.sync()
        self.words.sync()

    def write(self, start: int, values: Sequence[Value]) -> None:
        """Puts strings at [start, start + len(values)), after those before."""
        parts = [value.encode() if isinstance(value, str) else value for value in values]
        if not parts:
            return
        first = int(_aligned(self.ends.data[start - 1])) if start else 0
        lengths = np.array([len(part) for part in parts], np.int64)
        ends = first + np.cumsum(_aligned(lengths)) - _aligned(lengths) + lengths
        padded = b"".join(part + bytes(-len(part) % WORD) for part in parts)
        self.words.write(first // WORD, np.frombuffer(padded, np.uint64))
        self.ends.write(start, ends)

    def erase(self, places: NDArray[np.int64], content: bytes = b"") -> None:
        """Writes over strings that nobody reads any more: `content`, then blanks where there is any, or
        zeros.
        """
        starts, ends = self.spans(places)
        for start, end in zip(starts.tolist(), _aligned(ends).tolist(), strict=True):
            self.words.erase(np.arange(start // WORD, end // WORD), content)


def stretched(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of all stretches [start, end), one after the other.  Shapes: (n,), (n,) -> (their sum,)."""
    counts = ends - starts
    places: NDArray[np.int64] = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(
        counts.sum()
    )
    return places


def runs(rows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """The stretches [start, stop) that sorted rows are made of."""
    for part in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
        if len(part):
            yield int(part[0]), int(part[-1]) + 1


def _aligned(places: NDArray[np.int64]) -> NDArray[np.int64]:
    return (places + WORD - 1) // WORD * WORD


def _filled(content: bytes, size: int) -> NDArray[np.uint8]:
    return np.frombuffer(content.ljust(size, b" ") if content else bytes(size), np.uint8)
