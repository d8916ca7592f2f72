"""Keys changed: a new master key wraps what the old one did, at a start; records are encrypted anew, on
request.

Whatever ends either at any moment leaves every file whole under a key that is still given; doing it again
goes on.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from scenograph.index import database, record_sums
from scenograph.index.database import errors_named
from scenograph.index.files import remove, sync_file, sync_folder
from scenograph.index.folder import Folder
from scenograph.index.sealed import GRAPH, IMAGE, Codec, Sealed, codec_of, unwrapped
from scenograph.runtime.vault import Vault, WrappedKey
from scenograph.scene.errors import DataLoss, FailedPrecondition, IndexCorrupt, WrongKey

log = logging.getLogger(__name__)

RECORDS = "records.sqlite"  # in a snapshot's folder
CHUNK = 1024  # rows in one commit of what is encrypted anew
TABLES = ("items", "entries", "graphs", "originals")


def rotate(folder: Folder, vault: Vault | None) -> int:
    """Checks that the keys given are those of every collection, and has the newest one wrap all data keys,
    those of snapshots too; how many it wrapped anew.

    Errors: WrongKey where a collection is not encrypted though there is a key, or by none of the keys;
    nothing is changed then.
    """
    found = list(_wrapped(folder))
    for what, _, wrapped, serves in found:
        if wrapped is not None and (serves or vault is not None):
            unwrapped(wrapped, what, vault)
        elif wrapped is None and vault is not None:
            advice = "`scenograph index rekey --records` encrypts what is there"
            if serves:
                raise WrongKey(f"there is a key, but {what!r} is not encrypted: {advice}")
            log.warning("the %s is not encrypted: %s", what, advice)
    stale = [
        (what, path, wrapped)
        for what, path, wrapped, _ in found
        if vault is not None and wrapped is not None and not vault.is_newest(wrapped)
    ]
    for what, path, wrapped in stale:
        assert vault is not None
        fresh = vault.wrap(vault.unwrap(wrapped, what), wrapped.salt)
        with errors_named(what), closing(database.open_file(path, what)) as connection:
            connection.execute("PRAGMA query_only = OFF")
            connection.execute("BEGIN IMMEDIATE")
            database.write_key(connection, fresh)
            connection.execute("COMMIT")
    if stale:
        log.info("the newest key wraps %d data keys now", len(stale))
    return len(stale)


def rekey(root: Path, vault: Vault, *, records: bool, progress: Callable[[str], object]) -> int:
    """The same for a folder that no server has open; with `records` every collection and snapshot is also
    encrypted anew with a fresh data key, whether it was encrypted before or not. How many data keys changed.

    What was being made anew for another pack, and the request ids that were remembered, are given up then.
    Errors: FailedPrecondition where a process has the folder open, WrongKey, IndexCorrupt, DiskFull.
    """
    if not (root / "index.json").is_file():
        raise FailedPrecondition(f"there is no index in {root}")
    folder = Folder(root)
    try:
        if not records:
            return rotate(folder, vault)
        files = [(what, path) for what, path, _, serves in _wrapped(folder, damaged=True) if serves]
        files += [(what, path) for what, path, _, _ in _wrapped(folder, damaged=True) if path.name == RECORDS]
        for what, path in files:
            progress(what)
            (_snapshot if path.name == RECORDS else _collection)(folder, path, vault)
        return len(files)
    finally:
        folder.close()


def reencrypt(source: Path, target: Path, vault: Vault, name: str) -> None:
    """A file with the same records under a fresh data key. Errors: WrongKey, IndexCorrupt, DiskFull."""
    wrapped, key = vault.new()
    sealed = Sealed(name, wrapped, key)
    with errors_named(name), closing(database.open_file(source, name)) as old:
        codec = codec_of(old, name, vault)
        if record_sums.kept(old) and (wrong := record_sums.damaged(old)):
            raise IndexCorrupt(f"{len(wrong)} items of {name!r} are damaged, {wrong[0]!r} first")
        state = database.read_state(old)
        database.create(target, state, wrapped)
        with closing(database.open_file(target, name, writer=True)) as new:
            for table in TABLES:
                _copy(old, new, table, codec, sealed)
            record_sums.make(new)
            new.execute("PRAGMA journal_mode = DELETE")  # all of it is in the one file now
    sync_file(target)


def _wrapped(folder: Folder, *, damaged: bool = False) -> Iterator[tuple[str, Path, WrappedKey | None, bool]]:
    """What has records: its name, its file, its key, and whether it serves. What is damaged is left out,
    unless it is to be an error.
    """
    for name in folder.collections():
        try:
            serving = folder.collection_file(name)
        except DataLoss:
            if damaged:
                raise
            continue
        second = folder.second(name)
        paths = [(serving, True)] + ([(serving.with_name(second.file), False)] if second else [])
        for path, serves in paths:
            yield from _key_of(name, path, serves, damaged)
    for name in folder.snapshots():
        yield from _key_of(f"snapshot {name}", folder.snapshot_home(name) / RECORDS, False, damaged)


def _key_of(
    what: str, path: Path, serves: bool, damaged: bool
) -> Iterator[tuple[str, Path, WrappedKey | None, bool]]:
    try:
        with errors_named(what), closing(database.open_file(path, what)) as connection:
            wrapped = database.read_key(connection)
    except (DataLoss, FailedPrecondition):
        if damaged:
            raise
    else:
        yield what, path, wrapped, serves


def _collection(folder: Folder, path: Path, vault: Vault) -> None:
    name, epoch = path.parent.name, folder.next_epoch()
    with folder.building(f"{name}-{epoch}") as built:
        fresh = built / f"{epoch}.sqlite"
        reencrypt(path, fresh, vault, name)
        folder.move_in(name, fresh)
    folder.switch(name, fresh.name)


def _snapshot(folder: Folder, path: Path, vault: Vault) -> None:
    name = path.parent.name
    with folder.building(f"snapshot-{name}") as built:
        reencrypt(path, built / RECORDS, vault, f"snapshot {name}")
        for journal in ("-wal", "-shm", "-journal"):
            remove(path.with_name(path.name + journal))
        shutil.move(built / RECORDS, path)
        sync_folder(path.parent)


def _copy(
    old: sqlite3.Connection,
    new: sqlite3.Connection,
    table: str,
    codec: Codec,
    sealed: Sealed,
) -> None:
    if not old.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
        return  # of an earlier format
    columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
    places = ", ".join("?" * len(columns))
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
    rows = old.execute(f"SELECT * FROM {table}" + (_IMAGES if table == "originals" else ""))
    while chunk := rows.fetchmany(CHUNK):
        new.execute("BEGIN")
        new.executemany(insert, [_sealed(table, row, codec, sealed)[: len(columns)] for row in chunk])
        new.execute("COMMIT")


_IMAGES = " JOIN (SELECT sequence, first_entry FROM items) USING (sequence)"


def _sealed(table: str, row: Sequence[Any], codec: Codec, sealed: Sealed) -> Sequence[Any]:
    """A row as the fresh key writes it."""
    match table:
        case "items":
            sequence, item, metadata, first, entries, created, updated, *labels = row
            parts = codec.read_item(sequence, first, (item, metadata, labels[0] if labels else b""))
            item, metadata, kept = sealed.write_item(sequence, first, parts)
            return sequence, item, metadata, first, entries, created, updated, kept
        case "entries":
            entry, modality, ordinal, text, width, height, code, embedding = row
            parts = codec.read_entry(entry, (text, code, embedding))
            text, code, embedding = sealed.write_entry(entry, parts)
            return entry, modality, ordinal, text, width, height, code, embedding
        case "graphs":
            entry, graph = row
            return entry, sealed.write_blob(GRAPH, codec.read_blob(GRAPH, graph, entry), entry)
        case _:
            sequence, image, first = row
            content = codec.read_blob(IMAGE, image, sequence, first)
            return sequence, sealed.write_blob(IMAGE, content, sequence, first)
