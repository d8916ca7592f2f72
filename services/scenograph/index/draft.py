"""Changes to a table on the way to its next view, and the copy without holes that it gets now and then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenograph.index.table import Rows, Table, View, empty_view

COMPACT_AT = 1024
CHUNK = 8192


class Draft:
    """Changes on top of a view, unseen until `view()` is published; rows past a view's end are never read,
    and are written over by the next draft where this one is given up.
    """

    def __init__(self, base: View) -> None:
        self._base = base
        self._table = base.table
        self._slots = base.slots
        self._rows = base.rows
        self._put: list[tuple[str, bytes, bytes, int, Rows]] = []
        self._dead: list[int] = []

    @property
    def rows(self) -> int:
        """How many rows the table has with what was appended."""
        return self._rows

    def set_dimension(self, dimension: int) -> None:
        """Says how long embeddings are, before the first is written."""
        self._table.set_dimension(dimension)

    def put(self, item: str, sequence: int, metadata: bytes, labels: bytes, rows: Rows) -> None:
        """A new slot, written to the table with all others by `view`."""
        self._put.append((item, metadata, labels, sequence, rows))

    def remove(self, first_entry: int) -> None:
        """Takes out the slot whose first entry has this number, whether it was there before or is new."""
        self._dead.append(first_entry)

    def append(
        self,
        items: Sequence[str],
        metadata: Sequence[bytes],
        labels: Sequence[bytes],
        sequence: NDArray[np.int64],
        counts: NDArray[np.int64],
        rows: Rows,
    ) -> None:
        """New slots with their rows, in bulk. Shapes: sequence and counts (items,); the rows lie in the
        slots' order.
        """
        table, size = self._table, len(rows.texts)
        table.ids.write(self._slots, items)
        table.metadata.write(self._slots, metadata)
        table.labels.write(self._slots, labels)
        table.sequence.write(self._slots, sequence)
        table.end_row.write(self._slots, self._rows + np.cumsum(counts))
        table.texts.write(self._rows, rows.texts)
        table.codes.write(self._rows, rows.codes)
        table.embeddings.write(self._rows, rows.embeddings)
        numbers = np.arange(self._slots, self._slots + len(items), dtype=np.int32)
        table.slot.write(self._rows, np.repeat(numbers, counts))
        table.modality.write(self._rows, rows.modality)
        table.ordinal.write(self._rows, rows.ordinal)
        table.entry.write(self._rows, rows.entry)
        self._slots += len(items)
        self._rows += size

    def view(self, version: int) -> View:
        """The view with the changes in it. Errors: OSError where the table cannot be written."""
        self._write()
        base, table = self._base, self._table
        live_slots = np.ones(self._slots, bool)
        live_slots[: base.slots] = base.live_slots
        live_rows = np.ones(self._rows, bool)
        live_rows[: base.rows] = base.live_rows
        dead = table.slots_of(np.unique(np.array(self._dead, np.int64)), self._rows)
        dead = dead[live_slots[dead]]
        live_slots[dead] = False
        gone = 0
        for first, end in zip(table.first_row(dead).tolist(), table.end_row.data[dead].tolist(), strict=True):
            live_rows[first:end] = False
            gone += end - first
        items = base.items + self._slots - base.slots - len(dead)
        return View(
            table, version, live_slots, live_rows, items, base.entries + self._rows - base.rows - gone
        )

    def _write(self) -> None:
        if not self._put:
            return
        items, metadata, labels, sequence, rows = zip(*self._put, strict=True)
        self._put = []
        self.append(
            items,
            metadata,
            labels,
            np.array(sequence),
            np.array([len(each.texts) for each in rows]),
            Rows(
                np.concatenate([each.modality for each in rows]),
                np.concatenate([each.ordinal for each in rows]),
                np.concatenate([each.entry for each in rows]),
                np.concatenate([each.codes for each in rows]),
                np.concatenate([each.embeddings for each in rows]),
                [text for each in rows for text in each.texts],
            ),
        )


def needs_compaction(view: View) -> bool:
    """Whether holes are many, and more than a third of what lives."""
    return view.holes > COMPACT_AT and view.holes * 3 > view.entries


def compacted(view: View, folder: Path | None) -> View:
    """The same view over a new table without holes, in another folder or in memory. Errors: OSError."""
    old = view.table
    table = Table(folder, old.bits, old.dimension)
    draft = Draft(empty_view(table, view.version))
    living = np.flatnonzero(view.live_slots)
    for start in range(0, len(living), CHUNK):
        slots = living[start : start + CHUNK]
        counts = old.end_row.data[slots] - old.first_row(slots)
        rows = old.rows_of(slots)
        draft.append(
            old.ids.take(slots),
            old.metadata.take(slots),
            old.labels.take(slots),
            old.sequence.data[slots],
            counts,
            Rows(
                old.modality.data[rows],
                old.ordinal.data[rows],
                old.entry.data[rows],
                old.codes.data[rows],
                old.embeddings.data[rows],
                old.texts.take(rows),
            ),
        )
    if old.lists is not None and old.lists.rows <= view.rows:
        table.lists = old.lists.without(~view.live_rows[: old.lists.rows])
    return draft.view(view.version)
