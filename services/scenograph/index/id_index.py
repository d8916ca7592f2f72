"""The index of ids in a file of records: what finds an item by its id. It is made from the items, so where it
is damaged it is made anew.
"""

from __future__ import annotations

import logging
import sqlite3
from zlib import crc32

import numpy as np

from scenograph.index.sealed import Codec
from scenograph.index.table import View

log = logging.getLogger(__name__)

CHECKED_ITEMS = 250_000  # of more, the start does not wait: `scenograph index verify` compares them
_IN_ORDER = "SELECT id, sequence FROM items INDEXED BY sqlite_autoindex_items_1 ORDER BY id"


def mend(connection: sqlite3.Connection, codec: Codec, name: str, view: View) -> None:
    """Compares the index with the view's items, makes it anew where they differ. Errors: sqlite3.Error."""
    if view.items > CHECKED_ITEMS or _sound(connection, codec, view):
        return
    log.error("%s: the index of its ids is damaged; it is made anew from the items", name)
    connection.execute("REINDEX items")


def _sound(connection: sqlite3.Connection, codec: Codec, view: View) -> bool:
    last, count, total = "", 0, 0
    for item, sequence in connection.execute(_IN_ORDER):
        if count and item <= last:
            return False
        last, count = item, count + 1
        total += _sum(item, sequence)
    slots = np.flatnonzero(view.live_slots)
    places = view.table.sequence.data[slots].tolist()
    kept = zip(map(codec.name, view.table.ids.take(slots)), places, strict=True)
    return count == view.items and total == sum(_sum(item, sequence) for item, sequence in kept)


def _sum(item: str, sequence: int) -> int:
    return crc32(b"%d" % sequence, crc32(item.encode()))
