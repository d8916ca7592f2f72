"""The gateway over gRPC: convert, call, convert."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc

from scenograph.gateway import converters as convert
from scenograph.gateway.answers import CacheStatus
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.sent import SentAnswers
from scenograph.runtime import converters as shared
from scenograph.runtime.trailers import add_trailer
from scenograph.v1 import gateway_pb2 as pb
from scenograph.v1 import gateway_pb2_grpc as pb_grpc

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

CACHE_STATUS_KEY = "cache-status"


class GatewayServicer(pb_grpc.GatewayServiceServicer):
    """Serves a GatewayApp. Searches also say in the trailer `cache-status` what the cache did."""

    def __init__(self, app: GatewayApp, sent: SentAnswers | None = None) -> None:
        self._app = app
        self._sent = SentAnswers(app) if sent is None else sent

    async def CreateCollection(
        self, request: pb.CreateCollectionRequest, context: Context
    ) -> pb.CreateCollectionResponse:
        collection = await self._app.collections.create(request.name, request.bits)
        return pb.CreateCollectionResponse(collection=shared.collection_to_pb(collection))

    async def ListCollections(
        self, request: pb.ListCollectionsRequest, context: Context
    ) -> pb.ListCollectionsResponse:
        collections, token = await self._app.collections.list(request.page_size, request.page_token)
        return pb.ListCollectionsResponse(
            collections=[shared.collection_to_pb(collection) for collection in collections],
            next_page_token=token,
        )

    async def DeleteCollection(
        self, request: pb.DeleteCollectionRequest, context: Context
    ) -> pb.DeleteCollectionResponse:
        await self._app.collections.delete(request.name)
        return pb.DeleteCollectionResponse()

    async def Ingest(
        self, requests: AsyncIterator[pb.IngestRequest], context: Context
    ) -> AsyncGenerator[pb.IngestResponse, None]:
        items = (convert.ingest_item_from_pb(request) async for request in requests)
        async with aclosing(self._app.ingest(items)) as outcomes:
            async for outcome in outcomes:
                yield convert.outcome_to_pb(outcome)

    async def BatchIngest(self, request: pb.BatchIngestRequest, context: Context) -> pb.BatchIngestResponse:
        items = [convert.item_from_pb(item) for item in request.items]
        outcomes = await self._app.batch_ingest(request.collection, items, request.request_id)
        return pb.BatchIngestResponse(results=[convert.outcome_to_pb(outcome) for outcome in outcomes])

    async def GetItem(self, request: pb.GetItemRequest, context: Context) -> pb.GetItemResponse:
        record = await self._app.collections.get_item(request.collection, request.id)
        return pb.GetItemResponse(item=convert.stored_item_to_pb(record, graphs=True))

    async def ListItems(self, request: pb.ListItemsRequest, context: Context) -> pb.ListItemsResponse:
        records, token = await self._app.collections.list_items(
            request.collection, request.page_size, request.page_token, request.filter
        )
        items = [convert.stored_item_to_pb(record, graphs=False) for record in records]
        return pb.ListItemsResponse(items=items, next_page_token=token)

    async def DeleteItems(self, request: pb.DeleteItemsRequest, context: Context) -> pb.DeleteItemsResponse:
        result = await self._app.collections.delete_items(request.collection, request.ids)
        return pb.DeleteItemsResponse(deleted=result.deleted, missing=result.missing)

    async def Search(  # type: ignore[override]  # bytes are an answer that is written already
        self, request: pb.SearchRequest, context: Context
    ) -> pb.SearchResponse | bytes:
        question = await self._sent.question(request)
        if question is not None and (sent := await self._sent.again(question)) is not None:
            _say(context, CacheStatus.HIT)
            return sent
        collection = None if question is None else question.collection
        page = await self._app.search(convert.search_from_pb(request), collection)
        _say(context, page.report.cache)
        answer = convert.page_to_pb(page)
        if question is not None:
            await self._sent.keep(question, answer)
        return answer

    async def SearchStream(
        self, request: pb.SearchStreamRequest, context: Context
    ) -> AsyncGenerator[pb.SearchStreamResponse, None]:
        async with aclosing(self._app.search_stream(convert.search_from_pb(request.search))) as pages:
            async for page in pages:
                if page.final:
                    _say(context, page.page.report.cache)
                yield convert.stage_page_to_pb(page)

    async def Rank(self, request: pb.RankRequest, context: Context) -> pb.RankResponse:
        hits, report = await self._app.rank(convert.rank_from_pb(request))
        return pb.RankResponse(
            hits=[convert.hit_to_pb(hit) for hit in hits], report=convert.report_to_pb(report)
        )

    async def UploadImage(
        self, requests: AsyncIterator[pb.UploadImageRequest], context: Context
    ) -> pb.UploadImageResponse:
        return convert.upload_to_pb(await self._app.upload(request.chunk async for request in requests))

    async def ServerInfo(self, request: pb.ServerInfoRequest, context: Context) -> pb.ServerInfoResponse:
        return convert.info_to_pb(self._app.info())


def _say(context: Context, status: CacheStatus) -> None:
    add_trailer(context, CACHE_STATUS_KEY, status.name.lower())
