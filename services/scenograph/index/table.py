"""What searching needs of a collection's records: columns in files that only grow, and views of them that
never change.

A slot is one version of one item, a row one entry of it. An update makes a new slot and takes the old one out
of the next view; compaction copies what lives into a new table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenograph.index.access import AccessColumn
from scenograph.index.filters.evaluating import Columns
from scenograph.index.lists import Lists
from scenograph.index.mapped import Blobs, Mapped, column, stretched
from scenograph.runtime.contracts import CodeArray, FloatArray

Content = Mapped | Blobs[str] | Blobs[bytes]
_serials = count()


class Table:
    """The columns, in a folder of their own, or in memory where there is none. `lists` is the search index
    over the first rows, where there is one.
    """

    def __init__(self, folder: Path | None, bits: int, dimension: int) -> None:
        self.serial = next(_serials)
        self.folder = folder
        self.bits = bits
        self.ids = Blobs(self._path("ids"), str)
        self.metadata = Blobs(self._path("metadata"), bytes)
        self.labels = Blobs(self._path("labels"), bytes)
        self.sequence = column(self._path("sequence"), np.int64)
        self.end_row = column(self._path("end_row"), np.int64)
        self.texts = Blobs(self._path("texts"), str)
        self.codes = column(self._path("codes"), np.uint8, bits // 8)
        self.slot = column(self._path("slot"), np.int32)
        self.modality = column(self._path("modality"), np.uint8)
        self.ordinal = column(self._path("ordinal"), np.int32)
        self.entry = column(self._path("entry"), np.int64)
        self.set_dimension(dimension)
        self.columns = Columns()
        self.access = AccessColumn()
        self.lists: Lists | None = None

    def set_dimension(self, dimension: int) -> None:
        """Says how long embeddings are, before the first is written."""
        self.dimension = dimension
        self.embeddings = column(self._path("embeddings"), np.dtype("<f4"), dimension)

    def _path(self, name: str) -> Path | None:
        return self.folder and self.folder / name

    def structure(self) -> tuple[dict[str, Mapped], dict[str, Mapped]]:
        """Columns that are never erased, by name: those with a value for each slot, and for each row."""
        slots = {
            "sequence": self.sequence,
            "end_row": self.end_row,
            "ids": self.ids.ends,
            "metadata": self.metadata.ends,
            "labels": self.labels.ends,
        }
        rows = {"texts": self.texts.ends, "slot": self.slot, "ordinal": self.ordinal, "entry": self.entry}
        return slots, rows

    def content(self) -> tuple[dict[str, Content], dict[str, Content]]:
        """Columns that are erased where an item is removed, by name: of slots, and of rows."""
        slots: dict[str, Content] = {
            "ids.bytes": self.ids,
            "metadata.bytes": self.metadata,
            "labels.bytes": self.labels,
        }
        rows: dict[str, Content] = {
            "texts.bytes": self.texts,
            "codes": self.codes,
            "embeddings": self.embeddings,
            "modality": self.modality,
        }
        return slots, rows

    def first_row(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first row of each slot.  Shapes: slots (n,) -> (n,)."""
        return np.where(slots > 0, self.end_row.data[np.maximum(slots, 1) - 1], 0)

    def rows_of(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """All rows of these slots, in their order.  Shapes: slots (n,) -> (rows,)."""
        return stretched(self.first_row(slots), self.end_row.data[slots])

    def slots_of(self, entries: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
        """The slots whose first entries have these numbers, among the first `rows` rows.

        Errors: ValueError where there is none.
        """
        numbers = self.entry.data[:rows]
        places = np.searchsorted(numbers, entries)
        if len(entries) and (places.max() >= rows or not np.array_equal(numbers[places], entries)):
            raise ValueError("an item's entries are not where it says")
        slots = self.slot.data[places].astype(np.int64)
        if not np.array_equal(self.first_row(slots), places):
            raise ValueError("an item's entries are not where it says")
        return slots


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
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


def empty_view(table: Table, version: int) -> View:
    """A view of a table in which nothing lives."""
    return View(table, version, np.zeros(0, bool), np.zeros(0, bool), 0, 0)


def view_of(table: Table, version: int, live_slots: NDArray[np.bool_]) -> View:
    """The view in which these slots live."""
    slots = len(live_slots)
    rows = int(table.end_row.data[slots - 1]) if slots else 0
    live_rows = live_slots[table.slot.data[:rows]]
    items, entries = int(np.count_nonzero(live_slots)), int(np.count_nonzero(live_rows))
    return View(table, version, live_slots, live_rows, items, entries)
