"""Answers kept as they were sent say what a search says, for as long as the collection stays as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeAlias

import grpc
import pytest
from tests.gateway.harness import text_item
from tests.serving import serving_one

from scenograph.gateway.app import GatewayApp
from scenograph.gateway.sent import SentAnswers
from scenograph.gateway.servicer import GatewayServicer
from scenograph.v1 import common_pb2
from scenograph.v1 import gateway_pb2 as pb
from scenograph.v1 import gateway_pb2_grpc as pb_grpc

pytestmark = pytest.mark.pack

SERVICE = "scenograph.v1.GatewayService"
Stub: TypeAlias = "pb_grpc.GatewayServiceAsyncStub"


@pytest.fixture
async def stub(gateway: GatewayApp) -> AsyncIterator[Stub]:
    servicer = GatewayServicer(gateway, SentAnswers(gateway, max_bytes=2**22))
    async with serving_one(
        SERVICE, lambda server: pb_grpc.add_GatewayServiceServicer_to_server(servicer, server)
    ) as channel:
        yield pb_grpc.GatewayServiceStub(channel)


def text(*words: str) -> pb.Query:
    return pb.Query(parts=[pb.QueryPart(text=each) for each in words])


REQUESTS = {
    "plain": pb.SearchRequest(query=text("a brown dog runs")),
    "explained": pb.SearchRequest(query=text("a brown dog sits on a red bench"), explain=True, page_size=4),
    "texts": pb.SearchRequest(query=text("an old man", "a ball"), returning=common_pb2.MODALITY_TEXT),
    "graph": pb.SearchRequest(query=pb.Query(parts=[pb.QueryPart(graph_expression="(cat)")])),
    "filtered": pb.SearchRequest(query=text("a cat"), filter='kind = "photo"'),
    "coarse": pb.SearchRequest(query=text("a cat"), options=pb.RankingOptions(last_stage=pb.STAGE_COARSE)),
    "weighted": pb.SearchRequest(
        query=text("a cat"),
        options=pb.RankingOptions(weights=pb.FusionWeights(coarse=0.2, cosine=0.3, graph=0.5)),
    ),
    "nothing": pb.SearchRequest(query=text("a cat"), filter='kind = "none"'),
}


def same(message: pb.SearchResponse) -> pb.SearchResponse:
    """What two answers to a question have in common: all but timings and what the cache did."""
    copy = pb.SearchResponse.FromString(message.SerializeToString())
    copy.report.ClearField("timings")
    copy.report.ClearField("cache")
    return copy


async def answered(stub: Stub, request: pb.SearchRequest) -> tuple[pb.SearchResponse, str]:
    """The answer, and the trailer that says what the cache did."""
    call = stub.Search(request)
    answer = await call
    trailers = dict(await call.trailing_metadata())
    assert trailers["x-request-id"]
    return answer, str(trailers["cache-status"])


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_kept_answer_is_the_answer(stub: Stub, name: str) -> None:
    request = pb.SearchRequest(collection="photos")
    request.MergeFrom(REQUESTS[name])
    first, _ = await answered(stub, request)
    again, status = await answered(stub, request)
    assert same(again) == same(first) and same(again).report.pack_version
    assert (status, again.report.cache) == ("hit", pb.CACHE_STATUS_HIT)
    assert [timing.stage for timing in again.report.timings] == ["total"]
    request.options.bypass_cache = True
    anew, status = await answered(stub, request)
    assert (
        status == "bypass" and anew.hits == first.hits and anew.report.query_graph == first.report.query_graph
    )
    if first.next_page_token:
        more = pb.SearchRequest(collection="photos")
        more.MergeFrom(REQUESTS[name])
        more.page_token = again.next_page_token
        further = await stub.Search(more)
        shown = {(hit.item_id, hit.text_index) for hit in again.hits}
        assert further.hits and not shown & {(hit.item_id, hit.text_index) for hit in further.hits}


async def test_a_changed_collection_is_searched_anew(stub: Stub, gateway: GatewayApp) -> None:
    await gateway.collections.create("changing", 0)
    await gateway.batch_ingest("changing", [text_item("first", "a horse on a hill")])
    request = pb.SearchRequest(
        collection="changing", query=text("a horse"), returning=common_pb2.MODALITY_TEXT
    )
    for _ in range(2):
        assert [hit.item_id for hit in (await stub.Search(request)).hits] == ["first"]
    await gateway.batch_ingest("changing", [text_item("second", "a horse")])
    answer, status = await answered(stub, request)
    assert {hit.item_id for hit in answer.hits} == {"first", "second"} and status == "miss"
    await gateway.collections.delete("changing")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(request)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_wrong_request_is_told_of_as_before(stub: Stub) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="-1 is outside") as caught:
        await stub.Search(pb.SearchRequest(collection="nowhere", query=text("a cat"), page_size=-1))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
