"""Changes to a table on the way to its next view, and the copy without holes that it gets now and then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenograph.index.table import Rows, Table, View, empty_view, index_slots

COMPACT_AT = 1024


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
