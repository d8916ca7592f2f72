"""How a collection's columns are found at a start: as they were left, brought up to the records, or made
anew.

BESIDE.columns/position     how far which table is durable
BESIDE.columns/NUMBER/      a table's files
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from pathlib import Path

from scenograph.index import reading
from scenograph.index.database import State
from scenograph.index.position import Position, Stale, check_embeddings, read_position, view_at
from scenograph.index.sealed import Codec
from scenograph.index.table import Table, View, empty_view

log = logging.getLogger(__name__)

EMBEDDINGS_BYTES = 128 * 1024 * 1024  # embeddings up to which a start reads them all; of more, upkeep does
SAMPLED = 256  # items of the columns that are compared with their records at a start


def columns_home(records: Path) -> Path:
    """The folder of the columns that belong to a file of records."""
    return records.with_name(f"{records.name}.columns")


def open_view(
    records: Path, connection: sqlite3.Connection, codec: Codec, state: State
) -> tuple[View, Position | None]:
    """The view of the records as they are now, and the position it starts from where there is one.

    Of encrypted records it is in memory alone.
    Errors: ValueError where the records contradict each other, sqlite3.Error, OSError.
    """
    if codec.whole:
        return rebuilt(None, connection, codec, state), None
    home = columns_home(records)
    try:
        position = read_position(home)
        view = view_at(home, position, state.bits, state.dimension or 0)
        if view.version > state.version:
            raise Stale("the columns are of a later version than the records")
        if position.rows * position.dimension * 4 <= EMBEDDINGS_BYTES:
            check_embeddings(view.table, position, lambda: None)
        reading.check_sample(connection, codec, state, view, SAMPLED)
        if view.version < state.version:
            view = reading.load(connection, codec, state, view)
        return view, position
    except (Stale, ValueError) as reason:
        if home.exists():
            log.warning("%s: the columns are made anew from the records: %s", state.name, reason)
    return rebuilt(home, connection, codec, state), None


def rebuilt(home: Path | None, connection: sqlite3.Connection, codec: Codec, state: State) -> View:
    """A view over a new table, in memory where it has no home, from the records alone. Errors: as
    `open_view`.
    """
    table = Table(home and next_table(home), state.bits, state.dimension or 0)
    return reading.load(connection, codec, state, empty_view(table, state.version))


def next_table(home: Path) -> Path:
    """A folder for a new table, which is not made yet."""
    return home / str(max(_tables(home), default=0) + 1)


def remove_earlier(home: Path, table: Path) -> None:
    """Removes the tables before this one, once the position tells of it; who reads one still can."""
    for number in _tables(home):
        if number < int(table.name):
            shutil.rmtree(home / str(number), ignore_errors=True)


def _tables(home: Path) -> list[int]:
    if not home.is_dir():
        return []
    return [int(path.name) for path in home.iterdir() if path.name.isdecimal()]
