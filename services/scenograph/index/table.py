"""A collection in memory: what its records hold for searching, in arrays that only grow, and views of them
that never change.

A slot is one version of one item, a row one entry of it. An update makes a new slot and takes the old one
out of the next
view; compaction copies what lives into a new table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from scenograph.index.filters.evaluating import Columns
from scenograph.index.growing import Blocks, Growing
from scenograph.runtime.contracts import CodeArray, FloatArray

COMPACT_AT = 1024
_serials = count()


class Table:
    """The arrays. `where` (id -> live slot) belongs to the writer; all else is shared with readers, who know
    how far to look.
    """

    def __init__(self, bits: int, dimension: int, *, slots: int = 1024, rows: int = 1024) -> None:
        self.serial = next(_serials)
        self.bits = bits
        self.dimension = dimension
        self.ids: list[str] = []
        self.metadata: list[bytes] = []
        self.sequence = Growing(np.int64, capacity=slots)
        self.first_row = Growing(np.int64, capacity=slots + 1)
        self.texts: list[str] = []
        self.codes = Growing(np.uint8, bits // 8, capacity=rows)
        self.embeddings = Blocks(np.float32, dimension)
        self.slot = Growing(np.int32, capacity=rows)
        self.modality = Growing(np.uint8, capacity=rows)
        self.ordinal = Growing(np.int32, capacity=rows)
        self.entry = Growing(np.int64, capacity=rows)
        self.first_row.write(0, np.zeros(1, np.int64))
        self.columns = Columns()
        self.where: dict[str, int] = {}


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One version of a collection. live_slots (slots,) and live_rows (rows,) bool say which of the table's
    are in it.
    """

    table: Table
    version: int
    live_slots: NDArray[np.bool_]
    live_rows: NDArray[np.bool_]
    items: int
    entries: int

    @property
    def slots(self) -> int:
        """How many slots of the table this view knows of."""
        return len(self.live_slots)

    @property
    def rows(self) -> int:
        """How many rows of the table this view knows of."""
        return len(self.live_rows)

    @property
    def holes(self) -> int:
        """Rows that are kept for older views only."""
        return self.rows - self.entries


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Entries of one item, or of many: modality, ordinal, entry number (n,), codes (n, bits / 8), embeddings
    (n, D), texts.
    """

    modality: NDArray[np.uint8]
    ordinal: NDArray[np.int32]
    entry: NDArray[np.int64]
    codes: CodeArray
    embeddings: FloatArray
    texts: Sequence[str]


class Draft:
    """Changes on top of a view, unseen until `view()` is published; `discard()` takes them back."""

    def __init__(self, base: View) -> None:
        self._base = base
        self._table = base.table
        self._slots = base.slots
        self._rows = base.rows
        self._dead: list[int] = []
        self._moved: dict[str, int | None] = {}

    @property
    def rows(self) -> int:
        """How many rows the table has with the changes."""
        return self._rows

    def slot_of(self, item: str) -> int | None:
        """The item's slot, changes included."""
        return self._moved[item] if item in self._moved else self._table.where.get(item)

    def sequence_of(self, slot: int) -> int:
        """The slot's place in the order of first writing."""
        return int(self._table.sequence.data[slot])

    def entries_of(self, slot: int) -> tuple[int, int]:
        """The slot's entry numbers, [first, end)."""
        first, end = self._table.first_row.data[slot : slot + 2]
        if first == end:
            return 0, 0
        number = int(self._table.entry.data[first])
        return number, number + int(end - first)

    def put(self, item: str, sequence: int, metadata: bytes, rows: Rows) -> None:
        """The item's new version in place of its old one."""
        self.remove(item)
        self.append([item], [metadata], np.array([sequence]), np.array([len(rows.texts)]), rows)
        self._moved[item] = self._slots - 1

    def append(
        self,
        items: Sequence[str],
        metadata: Sequence[bytes],
        sequence: NDArray[np.int64],
        counts: NDArray[np.int64],
        rows: Rows,
    ) -> None:
        """New slots with their rows, in bulk. Shapes: sequence and counts (items,); the rows lie in the
        slots' order.
        """
        table, size = self._table, len(rows.texts)
        table.ids.extend(items)
        table.metadata.extend(metadata)
        table.sequence.write(self._slots, sequence)
        table.first_row.write(self._slots + 1, self._rows + np.cumsum(counts))
        table.texts.extend(rows.texts)
        table.codes.write(self._rows, rows.codes)
        table.embeddings.write(self._rows, rows.embeddings)
        numbers = np.arange(self._slots, self._slots + len(items), dtype=np.int32)
        table.slot.write(self._rows, np.repeat(numbers, counts))
        table.modality.write(self._rows, rows.modality)
        table.ordinal.write(self._rows, rows.ordinal)
        table.entry.write(self._rows, rows.entry)
        self._slots += len(items)
        self._rows += size

    def remove(self, item: str) -> int | None:
        """Takes the item out; its slot, or None where there is no such item."""
        slot = self.slot_of(item)
        if slot is not None:
            self._dead.append(slot)
            self._moved[item] = None
        return slot

    def view(self, version: int) -> View:
        """The view with the changes in it."""
        live_slots = np.ones(self._slots, bool)
        live_slots[: self._base.slots] = self._base.live_slots
        live_rows = np.ones(self._rows, bool)
        live_rows[: self._base.rows] = self._base.live_rows
        for slot in self._dead:
            first, end = self._table.first_row.data[slot : slot + 2]
            live_slots[slot] = False
            live_rows[first:end] = False
        return View(
            self._table,
            version,
            live_slots,
            live_rows,
            int(np.count_nonzero(live_slots)),
            int(np.count_nonzero(live_rows)),
        )

    def settle(self) -> None:
        """Makes the changes the base of the next draft; called once they are durable, before the view is
        published.
        """
        for item, slot in self._moved.items():
            if slot is None:
                self._table.where.pop(item, None)
            else:
                self._table.where[item] = slot

    def discard(self) -> None:
        """Takes the changes back; rows past a view's end are never read and are written over."""
        del self._table.ids[self._base.slots :]
        del self._table.metadata[self._base.slots :]
        del self._table.texts[self._base.rows :]


def empty_view(table: Table, version: int) -> View:
    """A view of a table in which nothing lives."""
    return View(table, version, np.zeros(0, bool), np.zeros(0, bool), 0, 0)


def index_slots(view: View) -> None:
    """Fills `where` of a table that was filled in bulk."""
    ids = view.table.ids
    view.table.where = {ids[slot]: slot for slot in np.flatnonzero(view.live_slots).tolist()}


def needs_compaction(view: View) -> bool:
    """Whether holes are many, and more than a third of what lives."""
    return view.holes > COMPACT_AT and view.holes * 3 > view.entries


def compacted(view: View) -> View:
    """The same view over a new table without holes."""
    old, slots, rows = view.table, np.flatnonzero(view.live_slots), np.flatnonzero(view.live_rows)
    table = Table(old.bits, old.dimension, slots=len(slots) + 1024, rows=len(rows) + 1024)
    draft = Draft(empty_view(table, view.version))
    first_row = old.first_row.data[: view.slots + 1]
    draft.append(
        [old.ids[slot] for slot in slots.tolist()],
        [old.metadata[slot] for slot in slots.tolist()],
        old.sequence.data[slots],
        np.diff(first_row)[slots],
        Rows(
            old.modality.data[rows],
            old.ordinal.data[rows],
            old.entry.data[rows],
            old.codes.data[rows],
            old.embeddings.take(rows),
            [old.texts[row] for row in rows.tolist()],
        ),
    )
    fresh = draft.view(view.version)
    index_slots(fresh)
    return fresh
