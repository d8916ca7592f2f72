"""How far a table's files are known to be durable: which table, of which version of the records, how many
slots and rows, which of them live, and what the live ones sum up to.

The position is written after the files; it is one file, replaced as a whole. Rows that live in it are never
written again, so a process that ends at any moment leaves files that its position is true of.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from scenograph.index.checksums import MASK, checksum
from scenograph.index.files import sync_folder, write_whole
from scenograph.index.table import Table, View, view_of

FORMAT = 2  # 1 had no access labels
CRC_BYTES = 4
FILE = "position"
EMBEDDINGS = "embeddings"
CHECKED = 65_536  # rows whose embeddings are read in one step


class Stale(Exception):
    """The files are not what the records need: missing, torn, or of another time."""


class Position(msgspec.Struct, frozen=True):
    """`table` names its folder; `sums` are checksums by column; `live` has a bit for each slot."""

    format: int
    table: str
    version: int
    bits: int
    dimension: int
    slots: int
    rows: int
    sums: dict[str, int]
    live: bytes

    def live_slots(self) -> NDArray[np.bool_]:
        """Shape: (slots,) bool."""
        return np.unpackbits(np.frombuffer(self.live, np.uint8), count=self.slots).astype(bool)


def read_position(home: Path) -> Position:
    """The last position written. Errors: Stale where there is none, or it is damaged."""
    try:
        content = (home / FILE).read_bytes()
        payload = content[CRC_BYTES:]
        if zlib.crc32(payload).to_bytes(CRC_BYTES, "little") != content[:CRC_BYTES]:
            raise Stale("the position is damaged")
        position = msgspec.msgpack.decode(payload, type=Position)
    except FileNotFoundError:
        raise Stale("there is no position") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise Stale(f"the position cannot be read: {error}") from error
    if position.format != FORMAT or Path(position.table).name != position.table:
        raise Stale(f"the position has format {position.format}")
    return position


def write_position(home: Path, view: View, last: Position | None) -> Position:
    """Makes the view's rows durable, then the position that says so. Errors: OSError.

    `last` is the position before; where it is of the same table, only what changed since is summed.
    """
    table = view.table
    name = _folder(table).name
    if last is None or last.table != name:
        last = Position(FORMAT, "", 0, 0, 0, 0, 0, {}, b"")
    before, now = last.live_slots(), np.flatnonzero(view.live_slots)
    gone = np.flatnonzero(before & ~view.live_slots[: last.slots])
    structure = _structure_sums(table, np.arange(last.slots, view.slots), np.arange(last.rows, view.rows))
    fresh = _content_sums(table, now[now >= last.slots])
    lost = _content_sums(table, gone)
    sums = {
        name: (last.sums.get(name, 0) + total - lost.get(name, 0)) & MASK
        for name, total in (structure | fresh).items()
    }
    if view.rows > last.rows:
        _sync(table)
    position = Position(
        FORMAT,
        name,
        view.version,
        table.bits,
        table.dimension,
        view.slots,
        view.rows,
        sums,
        np.packbits(view.live_slots).tobytes(),
    )
    home.mkdir(exist_ok=True)
    payload = msgspec.msgpack.encode(position)
    write_whole(home / FILE, zlib.crc32(payload).to_bytes(CRC_BYTES, "little") + payload)
    return position


def view_at(home: Path, position: Position, bits: int, dimension: int) -> View:
    """The view that the position tells of, checked but for its embeddings. Errors: Stale."""
    if (position.bits, position.dimension) != (bits, dimension):
        raise Stale("the position is of other codes or embeddings")
    table = Table(home / position.table, bits, dimension)
    of_slots, of_rows = (left | right for left, right in zip(table.structure(), table.content(), strict=True))
    if not all(column.holds(position.slots) for column in of_slots.values()):
        raise Stale("files are shorter than the position says")
    if not all(column.holds(position.rows) for column in of_rows.values()):
        raise Stale("files are shorter than the position says")
    _compare(position, _structure_sums(table, np.arange(position.slots), np.arange(position.rows)))
    live = position.live_slots()
    _compare(position, _content_sums(table, np.flatnonzero(live), but=(EMBEDDINGS,)))
    return view_of(table, position.version, live)


def check_embeddings(table: Table, position: Position, stop: Callable[[], object]) -> None:
    """Reads all embeddings of the position's rows; `stop`, called now and then, may raise. Errors: Stale."""
    rows, total = table.rows_of(np.flatnonzero(position.live_slots())), 0
    for start in range(0, len(rows), CHECKED):
        stop()
        total += checksum(table.embeddings, rows[start : start + CHECKED])
    _compare(position, {EMBEDDINGS: total & MASK})


def _structure_sums(table: Table, slots: NDArray[np.int64], rows: NDArray[np.int64]) -> dict[str, int]:
    of_slots, of_rows = table.structure()
    return {name: checksum(column, slots) for name, column in of_slots.items()} | {
        name: checksum(column, rows) for name, column in of_rows.items()
    }


def _content_sums(table: Table, slots: NDArray[np.int64], but: Collection[str] = ()) -> dict[str, int]:
    of_slots, of_rows = table.content()
    rows = table.rows_of(slots)
    return {name: checksum(column, slots) for name, column in of_slots.items() if name not in but} | {
        name: checksum(column, rows) for name, column in of_rows.items() if name not in but
    }


def _compare(position: Position, found: dict[str, int]) -> None:
    for name, total in found.items():
        if position.sums.get(name) != total:
            raise Stale(f"{name} are not what was written")


def _sync(table: Table) -> None:
    for columns in (*table.structure(), *table.content()):
        for column in columns.values():
            column.sync()
    sync_folder(_folder(table))


def _folder(table: Table) -> Path:
    assert table.folder is not None, "a table in memory has no position"
    return table.folder
