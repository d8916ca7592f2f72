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


def empty_view(table: Table, version: int) -> View:
    """A view of a table in which nothing lives."""
    return View(table, version, np.zeros(0, bool), np.zeros(0, bool), 0, 0)


def index_slots(view: View) -> None:
    """Fills `where` of a table that was filled in bulk."""
    ids = view.table.ids
    view.table.where = {ids[slot]: slot for slot in np.flatnonzero(view.live_slots).tolist()}
