"""The index over gRPC: convert, call, convert."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc

from scenograph.index import converters as convert
from scenograph.runtime import converters as shared
from scenograph.runtime.contracts import DEFAULT_BITS, Index
from scenograph.v1 import index_pb2 as pb
from scenograph.v1 import index_pb2_grpc as pb_grpc

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class IndexServicer(pb_grpc.IndexServiceServicer):
    """Serves an Index."""

    def __init__(self, app: Index) -> None:
        self._app = app

    async def CreateCollection(
        self, request: pb.IndexServiceCreateCollectionRequest, context: Context
    ) -> pb.IndexServiceCreateCollectionResponse:
        made = await self._app.create_collection(
            request.name, request.pack_version, request.bits or DEFAULT_BITS
        )
        return pb.IndexServiceCreateCollectionResponse(collection=shared.collection_to_pb(made))

    async def GetCollection(
        self, request: pb.GetCollectionRequest, context: Context
    ) -> pb.GetCollectionResponse:
        found = await self._app.get_collection(request.name)
        return pb.GetCollectionResponse(collection=shared.collection_to_pb(found))

    async def ListCollections(
        self, request: pb.IndexServiceListCollectionsRequest, context: Context
    ) -> pb.IndexServiceListCollectionsResponse:
        found, token = await self._app.list_collections(request.page_size, request.page_token)
        collections = [shared.collection_to_pb(collection) for collection in found]
        return pb.IndexServiceListCollectionsResponse(collections=collections, next_page_token=token)

    async def DeleteCollection(
        self, request: pb.IndexServiceDeleteCollectionRequest, context: Context
    ) -> pb.IndexServiceDeleteCollectionResponse:
        await self._app.delete_collection(request.name)
        return pb.IndexServiceDeleteCollectionResponse()

    async def Upsert(self, request: pb.UpsertRequest, context: Context) -> pb.UpsertResponse:
        writes = [
            convert.write_from_pb(write, field=f"writes[{i}]") for i, write in enumerate(request.writes)
        ]
        return convert.write_result_to_pb(await self._app.upsert(request.collection, writes))

    async def Get(self, request: pb.GetRequest, context: Context) -> pb.GetResponse:
        found, missing = await self._app.get(request.collection, request.ids, brief=request.brief)
        return pb.GetResponse(records=[convert.record_to_pb(record) for record in found], missing=missing)

    async def Delete(self, request: pb.DeleteRequest, context: Context) -> pb.DeleteResponse:
        return convert.delete_result_to_pb(await self._app.delete(request.collection, request.ids))

    async def ListItems(
        self, request: pb.IndexServiceListItemsRequest, context: Context
    ) -> pb.IndexServiceListItemsResponse:
        found, token = await self._app.list_items(
            request.collection,
            page_size=request.page_size,
            page_token=request.page_token,
            filter=request.filter,
            brief=request.brief,
        )
        records = [convert.record_to_pb(record) for record in found]
        return pb.IndexServiceListItemsResponse(records=records, next_page_token=token)

    async def Search(
        self, request: pb.IndexServiceSearchRequest, context: Context
    ) -> pb.IndexServiceSearchResponse:
        return convert.answer_to_pb(
            await self._app.search(request.collection, convert.query_from_pb(request))
        )

    async def CreateSnapshot(
        self, request: pb.CreateSnapshotRequest, context: Context
    ) -> pb.CreateSnapshotResponse:
        made = await self._app.create_snapshot(request.collection, request.snapshot)
        return pb.CreateSnapshotResponse(snapshot=convert.snapshot_to_pb(made))

    async def ListSnapshots(
        self, request: pb.ListSnapshotsRequest, context: Context
    ) -> pb.ListSnapshotsResponse:
        found, token = await self._app.list_snapshots(
            request.collection, request.page_size, request.page_token
        )
        snapshots = [convert.snapshot_to_pb(snapshot) for snapshot in found]
        return pb.ListSnapshotsResponse(snapshots=snapshots, next_page_token=token)

    async def RestoreSnapshot(
        self, request: pb.RestoreSnapshotRequest, context: Context
    ) -> pb.RestoreSnapshotResponse:
        restored = await self._app.restore_snapshot(request.snapshot, request.collection)
        return pb.RestoreSnapshotResponse(collection=shared.collection_to_pb(restored))

    async def DeleteSnapshot(
        self, request: pb.DeleteSnapshotRequest, context: Context
    ) -> pb.DeleteSnapshotResponse:
        await self._app.delete_snapshot(request.snapshot)
        return pb.DeleteSnapshotResponse()
