"""Reads from a collection's SQLite file, inside the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.index.access import Held, shown, unpack_labels
from scenograph.index.database import State
from scenograph.index.draft import Draft
from scenograph.index.record_sums import SOUND_GRAPH, SOUND_HEAD, SOUND_ITEM, SOUND_VECTORS
from scenograph.index.records import to_time, unpack_entry, unpack_graph, unpack_metadata
from scenograph.index.sealed import GRAPH, Codec
from scenograph.index.table import Rows, Table, View
from scenograph.runtime.contracts import Entry, Record
from scenograph.scene.graph import SceneGraph

CHUNK = 4096
_ITEMS = "FROM items LEFT JOIN item_sums USING (sequence) WHERE "
_ENTRIES = "FROM entries LEFT JOIN entry_sums USING (entry) WHERE "
_SOUND_ENTRY = f"{SOUND_HEAD} AND {SOUND_VECTORS}"

# The last column of each: whether the row is as it was written.
_RECORD = (
    "SELECT id, metadata, labels, first_entry, entries, create_us, update_us, sequence,"
    f" {SOUND_ITEM} {_ITEMS}"
)
_BRIEF = (
    f"SELECT entry, modality, ordinal, text, width, height, x'', x'', NULL, {SOUND_HEAD} {_ENTRIES} entry IN "
)
_BRIEF_WHOLE = (
    "SELECT entry, modality, ordinal, text, width, height, code, embedding, NULL,"
    f" {_SOUND_ENTRY} {_ENTRIES} entry IN "
)
_FULL = (
    "SELECT entry, modality, ordinal, text, width, height, code, embedding, graph,"
    f" {_SOUND_ENTRY} AND {SOUND_GRAPH}"
    " FROM entries LEFT JOIN graphs USING (entry) LEFT JOIN entry_sums USING (entry) WHERE entry IN "
)
_GRAPHS = f"SELECT entry, graph, {SOUND_GRAPH} FROM entry_sums LEFT JOIN graphs USING (entry) WHERE entry IN "
_SAMPLED = f"SELECT id, first_entry, metadata, labels, sequence, entries, {SOUND_ITEM} {_ITEMS} id IN "
_SAMPLED_ENTRIES = (
    f"SELECT entry, modality, ordinal, text, code, embedding, {_SOUND_ENTRY} {_ENTRIES} entry IN "
)
_NEW_ITEMS = (
    f"SELECT id, metadata, labels, sequence, first_entry, entries, {SOUND_ITEM} {_ITEMS} first_entry > ?"
    " ORDER BY first_entry"
)
_NEW_ENTRIES = (
    f"SELECT entry, modality, ordinal, text, code, embedding, {_SOUND_ENTRY} {_ENTRIES} entry > ?"
    " ORDER BY entry"
)

ItemRow = tuple[str, bytes, bytes, int, int, int, int, int, bool]


def records_by_id(
    connection: sqlite3.Connection, codec: Codec, ids: Sequence[str], state: State, brief: bool, held: Held
) -> dict[str, Record]:
    """The records of those ids that exist, for who holds these labels."""
    rows = _select(connection, _RECORD + "id IN ", map(codec.name, ids))
    return {record.id: record for record in _records(connection, codec, rows, state, brief, held)}


def records_by_sequence(
    connection: sqlite3.Connection, codec: Codec, sequence: Sequence[int], state: State, brief: bool
) -> list[Record]:
    """The records at those places of the order of first writing, in that order."""
    rows = sorted(_select(connection, _RECORD + "sequence IN ", sequence), key=lambda row: int(row[7]))
    return _records(connection, codec, rows, state, brief, None)


def graphs(
    connection: sqlite3.Connection, codec: Codec, entries: Sequence[int]
) -> dict[int, SceneGraph | None]:
    """The graphs of those entries, by entry number; None for one without."""
    rows = _select(connection, _GRAPHS, entries)
    _check(rows)
    return {
        entry: None if graph is None else unpack_graph(codec.read_blob(GRAPH, graph, entry))
        for entry, graph, _ in rows
    }


def load(connection: sqlite3.Connection, codec: Codec, state: State, base: View) -> View:
    """The view of the records as they are now, made from an earlier one: what is new is added to its table,
    and what is no longer there is taken out.

    Errors: ValueError where the tables contradict each other, or the earlier view.
    """
    table, draft = base.table, Draft(base)
    last = int(table.entry.data[base.rows - 1]) if base.rows else 0
    if base.rows:
        kept = connection.execute("SELECT first_entry FROM items WHERE first_entry <= ?", (last,)).fetchall()
        live = np.zeros(base.slots, bool)
        live[table.slots_of(np.sort(np.array(kept, np.int64).reshape(-1)), base.rows)] = True
        if (live & ~base.live_slots).any():
            raise ValueError("an item came back")
        gone = np.flatnonzero(base.live_slots & ~live)
        for first in table.entry.data[table.first_row(gone)].tolist():
            draft.remove(first)
    items, rows = connection.execute(_NEW_ITEMS, (last,)), connection.execute(_NEW_ENTRIES, (last,))
    while chunk := items.fetchmany(CHUNK):
        _check(chunk)
        columns, (sequence, first, counts) = _transposed(codec, [row[:-1] for row in chunk])
        taken = np.array(counts, np.int64)
        entries = _rows(codec, rows.fetchmany(sum(counts)), state)
        draft.append(*columns, np.array(sequence), taken, entries)
        expected = np.repeat(first - np.cumsum(taken) + taken, taken) + np.arange(taken.sum())
        if not np.array_equal(table.entry.data[draft.rows - len(expected) : draft.rows], expected):
            raise ValueError("an item's entries are not where it says")
    if rows.fetchone() is not None:
        raise ValueError("entries without an item")
    return draft.view(state.version)


def _transposed(
    codec: Codec, chunk: Sequence[tuple[str, bytes, bytes, int, int, int]]
) -> tuple[tuple[tuple[str, ...], tuple[bytes, ...], tuple[bytes, ...]], tuple[tuple[int, ...], ...]]:
    """Ids, metadata and labels of items; then their places, first entries and how many each has."""
    parts = [codec.read_item(row[3], row[4], row[:3]) for row in chunk]
    ids, metadata, labels = zip(*parts, strict=True)
    return (ids, metadata, labels), tuple(zip(*(row[3:] for row in chunk), strict=True))


def check_sample(connection: sqlite3.Connection, codec: Codec, state: State, view: View, size: int) -> None:
    """Compares items of the view, spread over all, with their records: those that are still as they were.

    Errors: ValueError where they differ.
    """
    table, living = view.table, np.flatnonzero(view.live_slots)
    slots = living[np.unique(np.linspace(0, len(living) - 1, min(size, len(living))).astype(np.int64))]
    first = table.entry.data[table.first_row(slots)].tolist()
    ids, metadata, labels = table.ids.take(slots), table.metadata.take(slots), table.labels.take(slots)
    found = {row[0]: row[1:] for row in _select(connection, _SAMPLED, ids)}
    for place, slot in enumerate(slots.tolist()):
        rows = table.rows_of(slots[place : place + 1])
        record = found.get(ids[place])
        if view.version != state.version and (record is None or record[0] != first[place]):
            continue  # it was rewritten or removed since
        stored = _select(connection, _SAMPLED_ENTRIES, range(first[place], first[place] + len(rows)))
        kept = (first[place], metadata[place], labels[place], int(table.sequence.data[slot]), len(rows), True)
        if record != kept or not _equal(table, rows, _rows(codec, sorted(stored), state)):
            raise ValueError("an item is not as in its record")


def _equal(table: Table, rows: NDArray[np.int64], stored: Rows) -> bool:
    pairs = (
        (table.modality, stored.modality),
        (table.ordinal, stored.ordinal),
        (table.entry, stored.entry),
        (table.codes, stored.codes),
        (table.embeddings, stored.embeddings),
    )
    same = all(bool((column.data[rows] == wanted).all()) for column, wanted in pairs)
    return same and list(stored.texts) == table.texts.take(rows)


def _check(rows: Sequence[tuple[Any, ...]]) -> None:
    """That rows, whose last column says so, are as they were written. Errors: sqlite3.DatabaseError."""
    damaged = [row[0] for row in rows if not row[-1]]
    if damaged:
        raise sqlite3.DatabaseError(f"{len(damaged)} rows are not as they were written, {damaged[0]!r} first")


def _rows(codec: Codec, chunk: list[tuple[int, int, int, str, bytes, bytes, bool]], state: State) -> Rows:
    if not chunk:
        raise ValueError("items without entries")
    _check(chunk)
    entry, modality, ordinal, *columns, _ = zip(*chunk, strict=True)
    parts = map(codec.read_entry, entry, zip(*columns, strict=True))
    texts, codes, embeddings = zip(*parts, strict=True)
    return Rows(
        np.array(modality, np.uint8),
        np.array(ordinal, np.int32),
        np.array(entry, np.int64),
        np.frombuffer(b"".join(codes), np.uint8).reshape(len(chunk), state.bits // 8),
        np.frombuffer(b"".join(embeddings), "<f4").reshape(len(chunk), state.dimension or 0),
        texts,
    )


def _records(
    connection: sqlite3.Connection,
    codec: Codec,
    rows: Sequence[ItemRow],
    state: State,
    brief: bool,
    held: Held,
) -> list[Record]:
    _check(rows)
    items = [(codec.read_item(row[7], row[3], row[:3]), *row[3:8]) for row in rows]
    items = [item for item in items if shown(held, item[0][2])]
    numbers = [entry for _, first, count, *_ in items for entry in range(first, first + count)]
    select = _FULL if not brief else _BRIEF_WHOLE if codec.whole else _BRIEF
    found = _select(connection, select, numbers)
    _check(found)
    entries = {row[0]: _entry(codec, row[:-1], brief) for row in found}
    if len(entries) != len(numbers):
        raise sqlite3.DatabaseError("an item's entries are missing")
    return [
        Record(
            item,
            tuple(entries[entry] for entry in range(first, first + count)),
            state.pack_version,
            unpack_metadata(metadata),
            to_time(created),
            to_time(updated),
            unpack_labels(labels),
        )
        for (item, metadata, labels), first, count, created, updated, _ in items
    ]


def _entry(codec: Codec, row: tuple[Any, ...], brief: bool) -> Entry:
    number, modality, ordinal, text, width, height, code, embedding, graph = row
    text, code, embedding = codec.read_entry(number, (text, code, embedding))
    if graph is not None:
        graph = codec.read_blob(GRAPH, graph, number)
    shape = (modality, ordinal, text, width, height)
    return unpack_entry(shape, b"", b"", None) if brief else unpack_entry(shape, code, embedding, graph)


def _select(connection: sqlite3.Connection, start: str, values: Iterable[object]) -> list[Any]:
    """The rows whose column is among the values, however many."""
    values, found = list(values), []
    for at in range(0, len(values), CHUNK):
        part = values[at : at + CHUNK]
        found += connection.execute(f"{start}({','.join('?' * len(part))})", part).fetchall()
    return found
