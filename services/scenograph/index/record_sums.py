"""A checksum for every row of records, beside them in tables of its own: what a disk changed afterwards is
told, and not given as an answer.

They are of the values as SQLite keeps them and made by its own statements, so that they cover whatever a row
holds. A reader compares those of what it reads: a row without one counts as damaged too.
"""

from __future__ import annotations

import logging
import sqlite3
import zlib

log = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE entry_sums (
  entry INTEGER PRIMARY KEY, head_sum INTEGER NOT NULL, vectors_sum INTEGER NOT NULL, graph_sum INTEGER NOT
  NULL
);
CREATE TABLE item_sums (
  sequence INTEGER PRIMARY KEY, item_sum INTEGER NOT NULL, image_sum INTEGER NOT NULL
);
"""

_HEAD = "row_sum(entry, modality, ordinal, CAST(text AS BLOB), width, height)"
_VECTORS = "row_sum(code, embedding)"
_GRAPH = "row_sum(graph)"
_ITEM = (
    "row_sum(sequence, CAST(id AS BLOB), CAST(metadata AS BLOB), CAST(labels AS BLOB), first_entry, entries,"
    " create_us, update_us)"
)
_IMAGE = "row_sum(image)"

# Conditions of a row that was joined with its sums; 1 where it is as it was written.
SOUND_HEAD = f"{_HEAD} IS head_sum"
SOUND_VECTORS = f"{_VECTORS} IS vectors_sum"
SOUND_GRAPH = f"{_GRAPH} IS graph_sum"
SOUND_ITEM = f"{_ITEM} IS item_sum"
SOUND_IMAGE = f"{_IMAGE} IS image_sum"

_FROM_ITEMS = "FROM items LEFT JOIN originals USING (sequence)"
_FROM_ENTRIES = "FROM entries LEFT JOIN graphs USING (entry)"
_ADD_ITEMS = f"INSERT OR REPLACE INTO item_sums SELECT sequence, {_ITEM}, {_IMAGE} {_FROM_ITEMS}"
_ADD_ENTRIES = f"INSERT INTO entry_sums SELECT entry, {_HEAD}, {_VECTORS}, {_GRAPH} {_FROM_ENTRIES}"
_DAMAGED = f"""
SELECT id {_FROM_ITEMS} LEFT JOIN item_sums USING (sequence)
  WHERE NOT ({SOUND_ITEM} AND {SOUND_IMAGE})
    OR entries <> (SELECT count(*) FROM entries WHERE entry >= first_entry AND entry < first_entry + entries)
UNION
SELECT coalesce(
    (SELECT id FROM items WHERE first_entry <= entry ORDER BY first_entry DESC LIMIT 1), 'entry ' || entry
  )
  {_FROM_ENTRIES} LEFT JOIN entry_sums USING (entry)
  WHERE NOT ({SOUND_HEAD} AND {SOUND_VECTORS} AND {SOUND_GRAPH})
UNION
SELECT 'item ' || sequence FROM item_sums WHERE sequence NOT IN (SELECT sequence FROM items)
"""


def enable(connection: sqlite3.Connection) -> None:
    """Lets the connection's statements make and compare sums."""
    connection.create_function("row_sum", -1, row_sum, deterministic=True)


def row_sum(*values: bytes | str | float | None) -> int:
    """CRC-32 of values, each with its length before it; nothing is told from an empty value."""
    total = 0
    for value in values:
        content = value if isinstance(value, bytes) else repr(value).encode()
        size = -1 if value is None else len(content)
        total = zlib.crc32(content, zlib.crc32(size.to_bytes(8, "little", signed=True), total))
    return total


def prepare(connection: sqlite3.Connection, name: str) -> None:
    """Makes the tables in a file of an earlier release, from its rows as they are now."""
    if kept(connection):
        return
    log.info("%s: checksums of its records are made, once", name)
    connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA}{_ADD_ITEMS};{_ADD_ENTRIES};COMMIT;")


def make(connection: sqlite3.Connection) -> None:
    """Sums of all rows of a file that has none yet, its tables apart."""
    connection.executescript(f"BEGIN IMMEDIATE;{_ADD_ITEMS};{_ADD_ENTRIES};COMMIT;")


def kept(connection: sqlite3.Connection) -> bool:
    """Whether the file has sums at all."""
    found = connection.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('entry_sums', 'item_sums')")
    return int(found.fetchone()[0]) == 2


def add(connection: sqlite3.Connection, sequence: int, first_entry: int, entries: int) -> None:
    """Sums of an item that was just written, and of its entries."""
    add_item(connection, sequence)
    span = (first_entry, first_entry + entries)
    connection.execute(f"{_ADD_ENTRIES} WHERE entry >= ? AND entry < ?", span)


def add_item(connection: sqlite3.Connection, sequence: int) -> None:
    """The sum of an item whose own row was written."""
    connection.execute(f"{_ADD_ITEMS} WHERE sequence = ?", (sequence,))


def remove_item(connection: sqlite3.Connection, sequence: int) -> None:
    """Forgets an item's sum."""
    connection.execute("DELETE FROM item_sums WHERE sequence = ?", (sequence,))


def remove_entries(connection: sqlite3.Connection, first: int, end: int) -> None:
    """Forgets the sums of entries from `first` to before `end`."""
    connection.execute("DELETE FROM entry_sums WHERE entry >= ? AND entry < ?", (first, end))


def damaged(connection: sqlite3.Connection) -> list[str]:
    """Ids of the items that are not as they were written, by reading all of them.

    Errors: sqlite3.Error where the file itself is broken.
    """
    return sorted(str(row[0]) for row in connection.execute(_DAMAGED))
