"""The index as other services see it: `contracts.Index` over one folder. Nothing blocks the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import TypeVar

import msgspec

from scenograph.index import checks
from scenograph.index.catalog import Catalog
from scenograph.index.database import EPOCH_SHIFT
from scenograph.index.hamming import one_thread
from scenograph.index.limits import Limits
from scenograph.index.second import Second, images_not_kept, unfinished
from scenograph.index.second_off_loop import SecondOffLoop
from scenograph.index.store import Store
from scenograph.index.writer import StoreClosed
from scenograph.runtime import principal
from scenograph.runtime.contracts import (
    CODE_BITS,
    DEFAULT_BITS,
    Collection,
    DeleteResult,
    IndexAnswer,
    IndexQuery,
    Record,
    Snapshot,
    Unfinished,
    Write,
    WriteResult,
)
from scenograph.runtime.principal import current
from scenograph.runtime.telemetry.collections import CollectionSize
from scenograph.runtime.telemetry.spans import span
from scenograph.runtime.vault import Vault
from scenograph.scene.errors import CollectionNotFound, InvalidInput, PageTokenExpired, Unavailable

T = TypeVar("T")

WAIT_S = 30.0


class IndexApp:
    """Keeps records in a folder and finds those whose codes are near. `await start()` first, `await close()`
    last. With a vault the records are encrypted.

    Whoever calls (`runtime.principal`) reads, counts and removes the items that are there for them alone.

    Errors: those of `contracts.Index`; on start FailedPrecondition (another process has the folder open),
    WrongKey, IndexFormatTooNew, IndexCorrupt, DiskFull.
    """

    def __init__(self, folder: Path, limits: Limits | None = None, vault: Vault | None = None) -> None:
        self._folder = folder
        self._vault = vault
        self._limits = limits or Limits()
        self._readers = ThreadPoolExecutor(self._limits.readers, "index-read", one_thread)
        self._admin = ThreadPoolExecutor(1, "index-admin")
        self._catalog: Catalog | None = None

    async def start(self) -> None:
        """Opens the folder and every collection in it."""
        self._catalog = await self._administer(lambda: Catalog(self._folder, self._limits, self._vault))

    async def close(self) -> None:
        """Finishes the queued writes and lets go of the folder."""
        catalog, self._catalog = self._catalog, None
        if catalog is not None:
            await self._administer(catalog.close)
        self._readers.shutdown(wait=False)
        self._admin.shutdown(wait=False)

    def sizes(self) -> list[CollectionSize]:
        """How large each collection is now; none before the start and after the end. For any thread."""
        catalog = self._catalog
        return [] if catalog is None else [store.size() for store in catalog.stores()]

    def damaged(self) -> dict[str, str]:
        """Collections that cannot be served, and why."""
        return self._opened.damaged()

    async def create_collection(self, name: str, pack_version: str, bits: int = DEFAULT_BITS) -> Collection:
        """Makes an empty collection. Errors: InvalidInput, CollectionExists, DiskFull."""
        checks.check_name(name, "name")
        checks.check_pack_version(pack_version, "pack_version")
        bits = bits or DEFAULT_BITS
        if bits not in CODE_BITS:
            raise InvalidInput(f"{bits} bits; a code has one of {CODE_BITS}", field="bits")
        return await self._administer(lambda: self._opened.create(name, pack_version, bits))

    async def get_collection(self, name: str) -> Collection:
        """What a collection holds now. Errors: CollectionNotFound, IndexCorrupt."""
        held = current().labels
        if held is None:
            return self._opened.store(name).describe()
        return await self._read(name, lambda store: store.describe(held))

    async def list_collections(
        self, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Collection], str]:
        """The collections that serve and that the caller may read, by name. Errors: InvalidPageToken."""
        size, tokens = checks.page_size(page_size), self._opened.tokens
        after = str(tokens.unseal(page_token, "collections")[0]) if page_token else ""
        may_read = principal.current().may_read
        found = [store for store in self._opened.stores() if store.name > after and may_read(store.name)]
        token = tokens.seal("collections", found[size - 1].name) if len(found) > size else ""
        held = current().labels
        if held is None:
            return [store.describe() for store in found[:size]], token
        described = [await self._seen(store.name, held) for store in found[:size]]
        return [collection for collection in described if collection is not None], token

    async def delete_collection(self, name: str) -> None:
        """Removes a collection and all it holds, damaged or not. Errors: CollectionNotFound."""
        await self._administer(lambda: self._opened.delete(name))

    async def upsert(self, collection: str, writes: Sequence[Write]) -> WriteResult:
        """Writes records, each whole or not at all; returns once they are durable.

        Errors: DuplicateItem, InvalidInput, DiskFull or ResourceExhausted for the call; in the answer those
        of single writes.
        """
        held = current().labels
        return await self._write(collection, lambda store: store.upsert(writes, held))

    async def delete(self, collection: str, ids: Sequence[str]) -> DeleteResult:
        """Removes records; returns once that is durable. Errors: InvalidInput, ResourceExhausted."""
        held = current().labels
        return await self._write(collection, lambda store: store.delete(ids, held))

    async def get(
        self, collection: str, ids: Sequence[str], *, brief: bool = False
    ) -> tuple[list[Record], list[str]]:
        """Records by id: those that exist, in the order asked for, and the ids that do not."""
        held = current().labels
        return await self._read(collection, lambda store: store.reader.get(ids, brief, held))

    async def list_items(
        self,
        collection: str,
        *,
        page_size: int = 0,
        page_token: str = "",
        filter: str = "",
        brief: bool = False,
    ) -> tuple[list[Record], str]:
        """Records in the order of first writing, as of the first page. Errors: InvalidFilter,
        InvalidPageToken,
        PageTokenExpired where the collection was replaced since.
        """
        size, tokens = checks.page_size(page_size), self._opened.tokens
        held = current().labels
        text = filter.encode("utf-8", "surrogatepass")
        asked = msgspec.msgpack.encode((text, None if held is None else sorted(held)))
        scope = ("items", collection, hashlib.sha256(asked).hexdigest()[:32])
        epoch, until, after = 0, None, 0
        if page_token:
            epoch, until, after = (int(part) for part in tokens.unseal(page_token, *scope))

        def read(store: Store) -> tuple[list[Record], str]:
            now = store.reader.view.version >> EPOCH_SHIFT
            if page_token and now != epoch:
                raise PageTokenExpired("the collection was replaced since the first page; list it again")
            records, last, at = store.reader.list_items(after, until, size, filter, brief, held)
            return records, "" if at is None else tokens.seal(*scope, now, last, at)

        return await self._read(collection, read)

    async def search(self, collection: str, query: IndexQuery) -> IndexAnswer:
        """The entries nearest to a code. Errors: InvalidInput, InvalidFilter, PackMismatch."""
        asked, held = time.perf_counter(), current().labels

        def read(store: Store) -> IndexAnswer:
            queued = (time.perf_counter() - asked) * 1e3
            answer = store.search(query, held)
            answer.timings["queue"] = queued
            return answer

        return await self._read(collection, read)

    async def create_snapshot(self, collection: str, snapshot: str = "") -> Snapshot:
        """Copies the present state while reads and writes go on. Errors: AlreadyExists, DiskFull."""
        if snapshot:
            checks.check_name(snapshot, "snapshot")
        return await self._administer(lambda: self._opened.create_snapshot(collection, snapshot))

    async def list_snapshots(
        self, collection: str = "", page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Snapshot], str]:
        """Snapshots by name, of one collection or all. Errors: InvalidPageToken."""
        size, tokens = checks.page_size(page_size), self._opened.tokens
        scope = ("snapshots", collection)
        after = str(tokens.unseal(page_token, *scope)[0]) if page_token else ""
        found, more = await self._administer(lambda: self._opened.list_snapshots(collection, after, size))
        return found, tokens.seal(*scope, found[-1].name) if more else ""

    async def restore_snapshot(self, snapshot: str, collection: str = "") -> Collection:
        """Puts a snapshot's state in a collection's place, at once. Errors: SnapshotNotFound, IndexCorrupt,
        DiskFull.
        """
        checks.check_name(snapshot, "snapshot")
        if collection:
            checks.check_name(collection, "collection")
        return await self._administer(lambda: self._opened.restore(snapshot, collection))

    async def delete_snapshot(self, snapshot: str) -> None:
        """Removes a snapshot, damaged or not. Errors: SnapshotNotFound."""
        checks.check_name(snapshot, "snapshot")
        await self._administer(lambda: self._opened.delete_snapshot(snapshot))

    async def images_not_kept(self, collection: str) -> int:
        """How many items have an image whose file was not kept. Errors: CollectionNotFound."""
        return await self._read(collection, images_not_kept)

    async def second(self, collection: str, pack_version: str) -> SecondOffLoop:
        """Begins, or goes on with, a collection for another pack. Errors: CollectionNotFound, DiskFull."""
        checks.check_pack_version(pack_version, "pack_version")
        second = await self._administer(lambda: Second(self._opened, collection, pack_version))
        return SecondOffLoop(second, self._admin)

    async def unfinished(self) -> list[Unfinished]:
        """Collections that were being made anew for another pack when the process ended."""
        return await self._administer(lambda: unfinished(self._opened))

    async def _seen(self, name: str, held: frozenset[str]) -> Collection | None:
        """A collection as who holds these labels sees it; None where it was removed just now."""
        try:
            return await self._read(name, lambda store: store.describe(held))
        except CollectionNotFound:
            return None

    @property
    def _opened(self) -> Catalog:
        if self._catalog is None:
            raise Unavailable("the index is not open")
        return self._catalog

    async def _administer(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._admin, work)

    async def _read(self, collection: str, work: Callable[[Store], T]) -> T:
        """Does the work in a reader's thread; again, on the new store, where the collection was replaced
        meanwhile.
        """
        give_up = time.monotonic() + WAIT_S
        while True:
            store = self._opened.store(collection)
            run = copy_context().run  # what is traced in the thread belongs to this call
            try:
                return await asyncio.get_running_loop().run_in_executor(self._readers, run, work, store)
            except StoreClosed:
                if time.monotonic() > give_up:
                    raise Unavailable(f"{collection!r} is being replaced") from None
                await asyncio.sleep(0.002)

    async def _write(self, collection: str, submit: Callable[[Store], Future[T]]) -> T:
        """Checks and packs in a reader's thread, then waits for the writer."""
        with span("index write"):
            return await asyncio.wrap_future(await self._read(collection, submit))
