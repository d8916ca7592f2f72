"""All collections and snapshots of one folder: made, opened, replaced and removed. Blocking, one call at a
time.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from scenograph.index import database, snapshots
from scenograph.index.database import EPOCH_SHIFT, State
from scenograph.index.files import allow_many_files, remove
from scenograph.index.folder import Folder, SecondFile
from scenograph.index.limits import Limits
from scenograph.index.opening import columns_home
from scenograph.index.rekeying import rotate
from scenograph.index.store import Store
from scenograph.index.tokens import Tokens
from scenograph.runtime.contracts import Collection, Snapshot
from scenograph.runtime.vault import Vault
from scenograph.scene.errors import (
    CollectionExists,
    CollectionNotFound,
    DataLoss,
    FailedPrecondition,
    Unavailable,
)

log = logging.getLogger(__name__)


class Catalog:
    """Opens every collection of the folder. One that is damaged, or too new, fails its own calls only; the
    others serve.

    With a vault every collection is encrypted. Errors: WrongKey where one is not, or not by its keys; nothing
    is changed then.
    """

    def __init__(self, root: Path, limits: Limits, vault: Vault | None = None) -> None:
        allow_many_files()
        self._limits = limits
        self._vault = vault
        self._folder = Folder(root)
        try:
            rotate(self._folder, vault)
        except BaseException:
            self._folder.close()
            raise
        self.tokens = Tokens(self._folder.secret)
        self._stores: dict[str, Store | DataLoss | FailedPrecondition] = {}
        for name in self._folder.collections():
            try:
                self._stores[name] = Store(self._folder.collection_file(name), name, limits, vault)
            except (DataLoss, FailedPrecondition) as error:
                log.error("collection %s is not served: %s", name, error)
                self._stores[name] = error

    def close(self) -> None:
        """Closes every collection, queued writes first, and the folder."""
        stores, self._stores = self._stores, {}
        for store in stores.values():
            if isinstance(store, Store):
                store.close()
        self._folder.close()

    def store(self, name: str) -> Store:
        """An open collection. Errors: CollectionNotFound, IndexCorrupt, IndexFormatTooNew."""
        found = self._stores.get(name)
        if found is None:
            raise CollectionNotFound(f"there is no collection {name[:80]!r}")
        if not isinstance(found, Store):
            raise type(found)(found.message)
        return found

    def stores(self) -> list[Store]:
        """The collections that serve, by name."""
        found = (self._stores.get(name) for name in sorted(self._stores))
        return [store for store in found if isinstance(store, Store)]

    def damaged(self) -> dict[str, str]:
        """The collections that do not serve, and why."""
        return {
            name: str(store) for name, store in list(self._stores.items()) if not isinstance(store, Store)
        }

    def create(self, name: str, pack_version: str, bits: int) -> Collection:
        """Makes an empty collection. Errors: CollectionExists, DiskFull."""
        if name in self._stores:
            raise CollectionExists(f"there is a collection {name!r} already")
        epoch = self._folder.next_epoch()
        now = time.time_ns() // 1000
        state = State(name, pack_version, bits, None, epoch << EPOCH_SHIFT, 1, 1, now)
        with self._folder.building(f"{name}-{epoch}") as built:
            database.create(built / f"{epoch}.sqlite", state, self._vault.new()[0] if self._vault else None)
            path = self._folder.add_collection(name, built, f"{epoch}.sqlite")
        store = self._stores[name] = self._open(path, name)
        return store.describe()

    def delete(self, name: str) -> None:
        """Removes a collection, damaged or not. Errors: CollectionNotFound."""
        if name not in self._stores:
            raise CollectionNotFound(f"there is no collection {name[:80]!r}")
        epoch = self._folder.next_epoch()
        store = self._stores.pop(name)
        if isinstance(store, Store):
            store.close()
        try:
            self._folder.remove_collection(name, epoch)
        except Unavailable:
            self._stores[name] = self._reopened(store)
            raise

    def create_snapshot(self, collection: str, snapshot: str) -> Snapshot:
        """Copies a collection's state. Errors: CollectionNotFound, AlreadyExists, DiskFull."""
        return snapshots.create(self._folder, self.store(collection), snapshot)

    def list_snapshots(self, collection: str, after: str, size: int) -> tuple[list[Snapshot], bool]:
        """At most `size` snapshots by name, after a name, of one collection or all; and whether there are
        more.
        """
        found: list[Snapshot] = []
        for name in self._folder.snapshots():
            if name > after:
                try:
                    snapshot = snapshots.describe(self._folder, name)
                except DataLoss as error:
                    log.error("snapshot %s is left out: %s", name, error)
                    continue
                if collection in ("", snapshot.collection):
                    found.append(snapshot)
            if len(found) > size:
                break
        return found[:size], len(found) > size

    def delete_snapshot(self, snapshot: str) -> None:
        """Removes a snapshot, damaged or not. Errors: SnapshotNotFound."""
        snapshots.delete(self._folder, snapshot)

    def restore(self, snapshot: str, collection: str) -> Collection:
        """Puts a snapshot's state in a collection's place, or in a new collection, once all of it is read.

        Errors: SnapshotNotFound, IndexCorrupt, IndexFormatTooNew, DiskFull; the collection is then as it was.
        """
        name = collection or snapshots.describe(self._folder, snapshot).collection
        epoch = self._folder.next_epoch()
        file = f"{epoch}.sqlite"
        with self._folder.building(f"{name}-{epoch}") as built:
            snapshots.unpack(self._folder, snapshot, name, built / file, epoch, self._vault)
            if name not in self._stores:
                path = self._folder.add_collection(name, built, file)
                self._stores[name] = self._open(path, name)
            else:
                self._replace(name, self._folder.move_in(name, built / file))
        return self.store(name).describe()

    def second(self, name: str, pack_version: str) -> Store:
        """The file in which a collection is made anew for a pack: an earlier attempt's, else an empty one.

        Errors: CollectionNotFound, DiskFull.
        """
        state = self.store(name).state
        home = self._folder.collection_file(name).parent
        found = self._folder.second(name)
        if found is None or found.pack_version != pack_version:
            self._folder.forget_second(name)
            epoch, now = self._folder.next_epoch(), time.time_ns() // 1000
            found = SecondFile(f"{epoch}.sqlite", pack_version, now)
            fresh = State(name, pack_version, state.bits, None, epoch << EPOCH_SHIFT, 1, 1, state.create_us)
            database.create(home / found.file, fresh, self.store(name).codec.sibling(self._vault))
            self._folder.add_second(name, found)
        return self._open(home / found.file, name)

    def seconds(self) -> dict[str, SecondFile]:
        """The collections that an earlier attempt left such a file of."""
        found = ((store.name, self._folder.second(store.name)) for store in self.stores())
        return {name: second for name, second in found if second is not None}

    def forget_second(self, name: str) -> None:
        """Removes that file, where the collection is still there."""
        if name in self._stores:
            self._folder.forget_second(name)

    def take_writes(self, name: str, store: Store) -> None:
        """Lets a collection that is served by this store be written again, if that was stopped."""
        if store.writes_stopped and self._stores.get(name) is store:
            store.close()
            self._stores[name] = self._reopened(store)

    def serve_second(self, name: str, old: Store, second: Store) -> None:
        """Makes another open file serve the collection, at once and durably."""
        old.close()  # calls that come now ask again, and find the new one
        try:
            self._folder.switch(name, second.path.name)
        except BaseException:
            self._stores[name] = self._reopened(old)
            raise
        self._stores[name] = second

    def _replace(self, name: str, path: Path) -> None:
        try:
            fresh = self._open(path, name)
        except BaseException:
            _remove(path)
            raise
        old = self._stores[name]
        if isinstance(old, Store):
            old.close()  # calls that come now ask again, and find the new one
        try:
            self._folder.switch(name, path.name)
        except BaseException:
            fresh.close()
            _remove(path)
            self._stores[name] = self._reopened(old)
            raise
        self._stores[name] = fresh

    def _open(self, path: Path, name: str) -> Store:
        return Store(path, name, self._limits, self._vault)

    def _reopened(
        self, store: Store | DataLoss | FailedPrecondition
    ) -> Store | DataLoss | FailedPrecondition:
        """What was closed for a change that could not be made."""
        return self._open(store.path, store.name) if isinstance(store, Store) else store


def _remove(records: Path) -> None:
    """Takes a file of records away, and the columns made from it."""
    remove(records)
    remove(columns_home(records))
