"""Collections and stored items: made, listed, read and removed, all by the index."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.gateway import limits
from scenograph.gateway.fields import check_id, counted
from scenograph.gateway.packs import PackInfo
from scenograph.runtime.contracts import DEFAULT_BITS, Collection, DeleteResult, Index, Record
from scenograph.scene.errors import InvalidInput, ItemNotFound


class Collections:
    """The collections of an index, for the codes of one pack."""

    def __init__(self, index: Index, pack: PackInfo) -> None:
        self._index = index
        self._pack = pack

    async def open(self, name: str) -> Collection:
        """A collection to search or to write.

        Raises CollectionNotFound, or PackMismatch where another pack's codes are in it.
        """
        if not name:
            raise InvalidInput("a collection is needed", field="collection")
        collection = await self._index.get_collection(name)
        self._pack.check_collection(name, collection.pack_version)
        return collection

    async def create(self, name: str, bits: int) -> Collection:
        """A new, empty collection; 0 bits means the default."""
        bits = bits or DEFAULT_BITS
        if bits not in self._pack.code_bits:
            raise InvalidInput(f"codes have {_either(self._pack.code_bits)} bits, not {bits}", field="bits")
        return await self._index.create_collection(name, self._pack.version, bits)

    async def list(self, page_size: int, page_token: str) -> tuple[list[Collection], str]:
        """A page of collections by name."""
        return await self._index.list_collections(page_size, page_token)

    async def delete(self, name: str) -> None:
        """Removes a collection and all it holds."""
        await self._index.delete_collection(name)

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
        """Removes items."""
        counted(len(ids), most=limits.MAX_DELETE_IDS, what="ids", field="ids")
        return await self._index.delete(collection, ids)


def _either(values: Sequence[int]) -> str:
    return ", ".join(map(str, values[:-1])) + f" or {values[-1]}"
