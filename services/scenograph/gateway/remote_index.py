"""The index service in another process."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.gateway.reaching import PLAINLY, Reaching
from scenograph.gateway.remote import Remote
from scenograph.index import converters as convert
from scenograph.runtime.contracts import (
    DEFAULT_BITS,
    Collection,
    DeleteResult,
    IndexAnswer,
    IndexQuery,
    Record,
    Snapshot,
    Write,
    WriteResult,
)
from scenograph.v1 import index_pb2 as pb
from scenograph.v1 import index_pb2_grpc


class RemoteIndex(Remote):
    """Index over gRPC. Only reads are tried again."""

    service = "scenograph.v1.IndexService"
    repeatable = ("GetCollection", "ListCollections", "Get", "ListItems", "Search", "ListSnapshots")

    def __init__(self, address: str, reaching: Reaching = PLAINLY) -> None:
        super().__init__(address, reaching)
        self._stub = index_pb2_grpc.IndexServiceStub(self._channel)

    async def create_collection(self, name: str, pack_version: str, bits: int = DEFAULT_BITS) -> Collection:
        request = pb.IndexServiceCreateCollectionRequest(name=name, pack_version=pack_version, bits=bits)
        return convert.collection_from_pb((await self._call(self._stub.CreateCollection, request)).collection)

    async def get_collection(self, name: str) -> Collection:
        response = await self._call(self._stub.GetCollection, pb.GetCollectionRequest(name=name))
        return convert.collection_from_pb(response.collection)

    async def list_collections(
        self, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Collection], str]:
        request = pb.IndexServiceListCollectionsRequest(page_size=page_size, page_token=page_token)
        response = await self._call(self._stub.ListCollections, request)
        collections = [convert.collection_from_pb(message) for message in response.collections]
        return collections, response.next_page_token

    async def delete_collection(self, name: str) -> None:
        await self._call(self._stub.DeleteCollection, pb.IndexServiceDeleteCollectionRequest(name=name))

    async def upsert(self, collection: str, writes: Sequence[Write]) -> WriteResult:
        messages = [convert.write_to_pb(write) for write in writes]
        request = pb.UpsertRequest(collection=collection, writes=messages)
        return convert.write_result_from_pb(await self._call(self._stub.Upsert, request))

    async def get(
        self, collection: str, ids: Sequence[str], *, brief: bool = False
    ) -> tuple[list[Record], list[str]]:
        response = await self._call(
            self._stub.Get, pb.GetRequest(collection=collection, ids=ids, brief=brief)
        )
        return [convert.record_from_pb(message) for message in response.records], list(response.missing)

    async def delete(self, collection: str, ids: Sequence[str]) -> DeleteResult:
        response = await self._call(self._stub.Delete, pb.DeleteRequest(collection=collection, ids=ids))
        return convert.delete_result_from_pb(response)

    async def list_items(
        self,
        collection: str,
        *,
        page_size: int = 0,
        page_token: str = "",
        filter: str = "",
        brief: bool = False,
    ) -> tuple[list[Record], str]:
        request = pb.IndexServiceListItemsRequest(
            collection=collection, page_size=page_size, page_token=page_token, filter=filter, brief=brief
        )
        response = await self._call(self._stub.ListItems, request)
        return [convert.record_from_pb(message) for message in response.records], response.next_page_token

    async def search(self, collection: str, query: IndexQuery) -> IndexAnswer:
        return convert.answer_from_pb(
            await self._call(self._stub.Search, convert.query_to_pb(collection, query))
        )

    async def create_snapshot(self, collection: str, snapshot: str = "") -> Snapshot:
        request = pb.CreateSnapshotRequest(collection=collection, snapshot=snapshot)
        return convert.snapshot_from_pb((await self._call(self._stub.CreateSnapshot, request)).snapshot)

    async def list_snapshots(
        self, collection: str = "", page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Snapshot], str]:
        request = pb.ListSnapshotsRequest(collection=collection, page_size=page_size, page_token=page_token)
        response = await self._call(self._stub.ListSnapshots, request)
        return [convert.snapshot_from_pb(message) for message in response.snapshots], response.next_page_token

    async def restore_snapshot(self, snapshot: str, collection: str = "") -> Collection:
        request = pb.RestoreSnapshotRequest(snapshot=snapshot, collection=collection)
        return convert.collection_from_pb((await self._call(self._stub.RestoreSnapshot, request)).collection)

    async def delete_snapshot(self, snapshot: str) -> None:
        await self._call(self._stub.DeleteSnapshot, pb.DeleteSnapshotRequest(snapshot=snapshot))
