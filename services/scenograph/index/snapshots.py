"""Snapshots: a collection's state in a folder of its own, made and restored while others read and write."""

from __future__ import annotations

import secrets
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from scenograph.index import database, record_sums
from scenograph.index.database import EPOCH_SHIFT, errors_named
from scenograph.index.files import sync_file, write_whole
from scenograph.index.folder import Folder
from scenograph.index.rekeying import reencrypt
from scenograph.index.sealed import codec_of
from scenograph.index.store import Store
from scenograph.runtime.contracts import Snapshot
from scenograph.runtime.vault import Vault
from scenograph.scene.errors import AlreadyExists, IndexCorrupt, SnapshotNotFound

RECORDS = "records.sqlite"
ABOUT = "snapshot.json"


def create(folder: Folder, store: Store, name: str) -> Snapshot:
    """Copies the collection's present state. Errors: AlreadyExists, DiskFull; nothing is left behind then."""
    now = datetime.now(UTC)
    name = name or f"{store.name[:40]}-{now:%Y%m%dt%H%M%S}-{secrets.token_hex(3)}"
    if folder.snapshot_home(name).exists():
        raise AlreadyExists(f"there is a snapshot {name!r} already")
    with folder.building(f"snapshot-{name}") as home:
        store.reader.copy(home / RECORDS)
        connection = database.open_file(home / RECORDS, store.name)
        with errors_named(store.name):
            try:
                state = database.read_state(connection)
                items = connection.execute("SELECT count(*) FROM items").fetchone()[0]
            finally:
                connection.close()
        sync_file(home / RECORDS)
        size = (home / RECORDS).stat().st_size
        about = Snapshot(name, store.name, items, state.pack_version, now, size)
        write_whole(home / ABOUT, msgspec.json.encode(about))
        folder.add_snapshot(name, home)
    return about


def describe(folder: Folder, name: str) -> Snapshot:
    """What a snapshot holds. Errors: SnapshotNotFound, IndexCorrupt."""
    home = folder.snapshot_home(name)
    if not home.is_dir():
        raise SnapshotNotFound(f"there is no snapshot {name!r}")
    try:
        return msgspec.json.decode((home / ABOUT).read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError) as error:
        raise IndexCorrupt(f"the snapshot {name!r} is damaged: {error}") from error


def delete(folder: Folder, name: str) -> None:
    """Removes a snapshot, damaged or not. Errors: SnapshotNotFound."""
    if not folder.snapshot_home(name).is_dir():
        raise SnapshotNotFound(f"there is no snapshot {name!r}")
    folder.remove_snapshot(name, folder.next_epoch())


def unpack(
    folder: Folder, name: str, collection: str, target: Path, epoch: int, vault: Vault | None = None
) -> None:
    """Writes a snapshot's records to a new file, as a collection's, with versions that none had before; one
    made before there was a key, encrypted.

    Errors: SnapshotNotFound, IndexCorrupt, IndexFormatTooNew, WrongKey, DiskFull.
    """
    describe(folder, name)
    source = folder.snapshot_home(name) / RECORDS
    with closing(database.open_file(source, name)) as connection:
        codec = codec_of(connection, f"snapshot {name}", vault)
    with errors_named(collection):
        if vault is not None and not codec.whole:
            reencrypt(source, target, vault, collection)
        else:
            shutil.copyfile(source, target)
        connection = database.open_file(target, name, writer=True)
        try:
            if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise IndexCorrupt(f"the snapshot {name!r} is damaged")
            if wrong := record_sums.damaged(connection):
                raise IndexCorrupt(
                    f"the snapshot {name!r} is damaged: {len(wrong)} items, {wrong[0]!r} first"
                )
            state = replace(database.read_state(connection), name=collection, version=epoch << EPOCH_SHIFT)
            connection.execute("BEGIN")
            database.write_state(connection, state)
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
    sync_file(target)
