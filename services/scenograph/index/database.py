"""One collection's SQLite file: its schema, how it is opened, and what SQLite's errors mean here."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec

from scenograph.index import record_sums
from scenograph.index.files import sync_folder
from scenograph.runtime.vault import WrappedKey
from scenograph.scene.errors import DiskFull, IndexCorrupt, IndexFormatTooNew, Unavailable

FORMAT = 3
APPLICATION_ID = 0x5CE60_01
PAGE_BYTES = 8192  # four entries of 384 floats share a page; half of it would be unused at 4096
EPOCH_SHIFT = (
    32  # a version is (epoch << 32) + the number of commits, so that no two lives of a name share one
)

SCHEMA = """
CREATE TABLE state (
  name TEXT NOT NULL, pack_version TEXT NOT NULL, bits INTEGER NOT NULL, dimension INTEGER,
  version INTEGER NOT NULL, next_sequence INTEGER NOT NULL, next_entry INTEGER NOT NULL, create_us INTEGER
  NOT NULL
);
CREATE TABLE items (
  sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, metadata BLOB NOT NULL,
  first_entry INTEGER NOT NULL, entries INTEGER NOT NULL, create_us INTEGER NOT NULL, update_us INTEGER NOT
  NULL, labels BLOB NOT NULL DEFAULT x''
);
CREATE TABLE entries (
  entry INTEGER PRIMARY KEY, modality INTEGER NOT NULL, ordinal INTEGER NOT NULL, text TEXT NOT NULL,
  width INTEGER NOT NULL, height INTEGER NOT NULL, code BLOB NOT NULL, embedding BLOB NOT NULL
);
CREATE TABLE graphs (entry INTEGER PRIMARY KEY, graph BLOB NOT NULL);
CREATE TABLE originals (sequence INTEGER PRIMARY KEY, image BLOB NOT NULL);
CREATE TABLE requests (
  number INTEGER PRIMARY KEY, request_id TEXT NOT NULL, id TEXT NOT NULL, digest BLOB NOT NULL,
  UNIQUE (request_id, id)
);
CREATE TABLE keys (master TEXT NOT NULL, salt BLOB NOT NULL, wrapped BLOB NOT NULL);
"""


_UPGRADES = {
    1: "CREATE TABLE originals (sequence INTEGER PRIMARY KEY, image BLOB NOT NULL);",
    2: "ALTER TABLE items ADD COLUMN labels BLOB NOT NULL DEFAULT x'';"
    "CREATE TABLE keys (master TEXT NOT NULL, salt BLOB NOT NULL, wrapped BLOB NOT NULL);",
}
"""By format: what the next has more. 1 kept no images, 2 no access labels, and nothing encrypted."""


@dataclass(frozen=True, slots=True)
class State:
    """What a collection is: the one row of its `state` table. `dimension` is None until its first record."""

    name: str
    pack_version: str
    bits: int
    dimension: int | None
    version: int
    next_sequence: int
    next_entry: int
    create_us: int


def create(path: Path, state: State, key: WrappedKey | None = None) -> None:
    """Makes the file, durably; with a key, what is written to it is encrypted. Errors: DiskFull."""
    with errors_named(state.name):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.executescript(f"BEGIN;{SCHEMA}{record_sums.SCHEMA}COMMIT;")
            write_state(connection, state)
            if key is not None:
                write_key(connection, key)
        finally:
            connection.close()
    sync_folder(path.parent)


def open_file(path: Path, name: str, *, writer: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode; threads may hand it on, one at a time.

    Errors: IndexCorrupt (missing, not a database, not ours), IndexFormatTooNew.
    """
    if not path.is_file():
        raise IndexCorrupt(f"the file of {name!r} is missing: {path.name}")
    with errors_named(name):
        uri = f"file:{quote(str(path))}?mode=rw"  # never makes a file that is not there
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
        try:
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise IndexCorrupt(f"{path.name} of {name!r} is not an index file")
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found > FORMAT:
                raise IndexFormatTooNew(f"{name!r} has format {found}; this release reads up to {FORMAT}")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA journal_size_limit = 16777216")
            connection.execute("PRAGMA journal_mode = WAL" if writer else "PRAGMA query_only = ON")
            if writer and found < FORMAT:
                steps = "".join(_UPGRADES[step] for step in range(found, FORMAT))
                connection.executescript(f"BEGIN;{steps}PRAGMA user_version = {FORMAT};COMMIT;")
            record_sums.enable(connection)
            if writer:
                record_sums.prepare(connection, name)
        except BaseException:
            connection.close()
            raise
    return connection


def read_state(connection: sqlite3.Connection) -> State:
    """The collection's state. Errors: sqlite3.Error where the table is not there."""
    row = connection.execute(
        "SELECT name, pack_version, bits, dimension, version, next_sequence, next_entry, create_us FROM state"
    ).fetchone()
    if row is None:
        raise sqlite3.DatabaseError("the state row is missing")
    return State(*row)


def write_state(connection: sqlite3.Connection, state: State) -> None:
    """Replaces the collection's state, inside the caller's transaction if there is one."""
    connection.execute("DELETE FROM state")
    connection.execute(
        "INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            state.name,
            state.pack_version,
            state.bits,
            state.dimension,
            state.version,
            state.next_sequence,
            state.next_entry,
            state.create_us,
        ),
    )


def read_key(connection: sqlite3.Connection) -> WrappedKey | None:
    """The key that the records are encrypted with; None where they are not."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'keys'").fetchone():
        return None  # of an earlier format
    row = connection.execute("SELECT master, salt, wrapped FROM keys").fetchone()
    return None if row is None else WrappedKey(*row)


def write_key(connection: sqlite3.Connection, key: WrappedKey) -> None:
    """Replaces the collection's key, inside the caller's transaction if there is one."""
    connection.execute("DELETE FROM keys")
    connection.execute("INSERT INTO keys VALUES (?, ?, ?)", (key.master, key.salt, key.wrapped))


_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ}


@contextmanager
def errors_named(collection: str) -> Iterator[None]:
    """SQLite's and the system's errors in the domain's words: DiskFull, IndexCorrupt, else Unavailable."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a mistake of ours, not of the disk
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        if code in _NO_ROOM or code & 0xFF == sqlite3.SQLITE_FULL:
            raise DiskFull(
                f"no space left to write {collection!r}; nothing of the request was stored"
            ) from error
        if code in _DAMAGED or code & 0xFF in _DAMAGED or code == sqlite3.SQLITE_ERROR:
            raise IndexCorrupt(
                f"the file of {collection!r} is damaged: {error}; restore a snapshot"
            ) from error
        raise Unavailable(f"the file of {collection!r} cannot be used now: {error}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IndexCorrupt(f"a record of {collection!r} is damaged: {error}; restore a snapshot") from error
    except OSError as error:
        raise_os_error(error, collection)


def raise_os_error(error: OSError, what: str) -> None:
    """Raises what a failed file operation means here."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        raise DiskFull(f"no space left to write {what!r}; nothing of the request was stored") from error
    raise Unavailable(f"the files of {what!r} cannot be used now: {os.strerror(error.errno or 0)}") from error
