"""Collections and stored items: made, listed, read and removed, all by the index."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from typing import Protocol

from scenograph.gateway import limits
from scenograph.gateway.engine import Engine
from scenograph.gateway.erasure import Erasure
from scenograph.gateway.fields import check_id, counted
from scenograph.runtime import principal
from scenograph.runtime.contracts import DEFAULT_BITS, Collection, DeleteResult, Index, Record
from scenograph.scene.errors import InvalidInput, ItemNotFound, PackMismatch, PackNotLoaded


class Engines(Protocol):
    """The packs that the gateway can serve collections with."""

    def use(self, pack: str = "") -> AbstractContextManager[Engine]:
        """The engine of a pack, else of the default one, which stays for as long as the block lasts.

        Errors: PackNotLoaded.
        """
        ...

    def __contains__(self, pack: str) -> bool:
        """Whether a pack is loaded."""
        ...

    def __iter__(self) -> Iterator[str]:
        """The packs that are loaded."""
        ...


class Collections:
    """The collections of an index, each for the codes of one pack; new ones are the default pack's."""

    def __init__(self, index: Index, engines: Engines, erasure: Erasure) -> None:
        self._index = index
        self._engines = engines
        self._erasure = erasure

    @asynccontextmanager
    async def of(
        self, name: str, known: Collection | None = None
    ) -> AsyncIterator[tuple[Engine, Collection]]:
        """A collection to search or to write, with the engine of its pack for as long as the block lasts.

        `known`: what it was just now; it is not asked for again then.
        Raises CollectionNotFound, or PackMismatch where its pack is not loaded.
        """
        collection = known or await self._named(name)
        with ExitStack() as held:
            try:
                engine = held.enter_context(self._engines.use(collection.pack_version))
            except PackNotLoaded as error:
                raise self._mismatch(collection) from error
            yield engine, collection

    async def open(self, name: str) -> Collection:
        """A collection that can be searched or written now. Errors: those of `of`."""
        collection = await self._named(name)
        if collection.pack_version not in self._engines:
            raise self._mismatch(collection)
        return collection

    async def create(self, name: str, bits: int) -> Collection:
        """A new, empty collection; 0 bits means the default."""
        bits = bits or DEFAULT_BITS
        with self._engines.use() as engine:
            if bits not in engine.pack.code_bits:
                known = _either(engine.pack.code_bits)
                raise InvalidInput(f"codes have {known} bits, not {bits}", field="bits")
            return await self._index.create_collection(name, engine.pack.version, bits)

    async def list(self, page_size: int, page_token: str) -> tuple[list[Collection], str]:
        """A page of those collections, by name, that the caller may read.

        The index leaves out the others, so that pages are full; none gets past here in any case.
        """
        found, token = await self._index.list_collections(page_size, page_token)
        may_read = principal.current().may_read
        return [collection for collection in found if may_read(collection.name)], token

    async def delete(self, name: str) -> None:
        """Removes a collection and all it holds, and what caches have of it."""
        await self._index.delete_collection(name)
        await self._erasure.erase(name)

    async def get_item(self, collection: str, item_id: str) -> Record:
        """One item, graphs and all. Raises ItemNotFound."""
        check_id(item_id, most=limits.MAX_ID_CHARS, field="id")
        records, _ = await self._index.get(collection, [item_id])
        if not records:
            raise ItemNotFound(f"no item {item_id!r} in collection {collection!r}", metadata={"id": item_id})
        return records[0]

    async def list_items(
        self, collection: str, page_size: int, page_token: str, filter: str
    ) -> tuple[Sequence[Record], str]:
        """A page of items in the order of their first writing, without graphs."""
        return await self._index.list_items(
            collection, page_size=page_size, page_token=page_token, filter=filter, brief=True
        )

    async def delete_items(self, collection: str, ids: Sequence[str]) -> DeleteResult:
        """Removes items, and what caches have of them."""
        counted(len(ids), most=limits.MAX_DELETE_IDS, what="ids", field="ids")
        result = await self._index.delete(collection, ids)
        if result.deleted:
            await self._erasure.erase(collection, set(ids).difference(result.missing))
        return result

    async def _named(self, name: str) -> Collection:
        if not name:
            raise InvalidInput("a collection is needed", field="collection")
        return await self._index.get_collection(name)

    def _mismatch(self, collection: Collection) -> PackMismatch:
        with self._engines.use() as engine:
            served = engine.pack.version
        return PackMismatch(
            f"collection {collection.name!r} holds codes of pack {collection.pack_version}, "
            f"this gateway serves {served}; load that pack, or re-encode the collection",
            metadata={"collection": collection.pack_version, "served": served},
        )


def _either(values: Sequence[int]) -> str:
    return ", ".join(map(str, values[:-1])) + f" or {values[-1]}"
