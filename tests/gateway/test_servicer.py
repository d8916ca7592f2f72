"""Every call of the gateway over a real gRPC connection: fields, trailers, error details."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from google.rpc import error_details_pb2, status_pb2
from tests.gateway.harness import PHOTOS, SENTENCES, photo

from scenograph.gateway.app import GatewayApp
from scenograph.gateway.servicer import GatewayServicer
from scenograph.runtime.server import Server, ServerOptions
from scenograph.v1 import common_pb2
from scenograph.v1 import gateway_pb2 as pb
from scenograph.v1 import gateway_pb2_grpc as pb_grpc

pytestmark = pytest.mark.pack

SERVICE = "scenograph.v1.GatewayService"


@pytest.fixture(scope="module")
async def stub(gateway: GatewayApp) -> AsyncIterator[pb_grpc.GatewayServiceAsyncStub]:
    server = Server([SERVICE], ServerOptions())
    await server.start()
    server.add(lambda given: pb_grpc.add_GatewayServiceServicer_to_server(GatewayServicer(gateway), given))
    await server.ready()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield pb_grpc.GatewayServiceStub(channel)
    await server.stop()


def text_query(text: str) -> pb.Query:
    return pb.Query(parts=[pb.QueryPart(text=text)])


def search(text: str = "a cat", **fields: Any) -> pb.SearchRequest:
    return pb.SearchRequest(collection="photos", query=text_query(text), **fields)


def metadata(**values: Any) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


async def stream(messages: Iterable[object]) -> AsyncIterator[object]:
    for message in messages:
        yield message


def details(error: grpc.aio.AioRpcError) -> tuple[str, list[str]]:
    """The error's reason, and the fields at fault."""
    found = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(found)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        if not detail.Unpack(info):
            detail.Unpack(bad)
    return info.reason, [violation.field for violation in bad.field_violations]


async def test_collections_are_made_listed_and_removed(stub: pb_grpc.GatewayServiceAsyncStub) -> None:
    made = await stub.CreateCollection(pb.CreateCollectionRequest(name="wire", bits=64))
    assert (made.collection.name, made.collection.bits, made.collection.items) == ("wire", 64, 0)
    assert made.collection.create_time.seconds > 0
    listed = await stub.ListCollections(pb.ListCollectionsRequest(page_size=1000))
    assert "wire" in [collection.name for collection in listed.collections]
    for request, code, reason in (
        (pb.CreateCollectionRequest(name="wire"), grpc.StatusCode.ALREADY_EXISTS, "COLLECTION_EXISTS"),
        (pb.CreateCollectionRequest(name="No Name"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT"),
        (pb.CreateCollectionRequest(name="w", bits=100), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.CreateCollection(request)
        assert (caught.value.code(), details(caught.value)[0]) == (code, reason)
    await stub.DeleteCollection(pb.DeleteCollectionRequest(name="wire"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.DeleteCollection(pb.DeleteCollectionRequest(name="wire"))
    assert details(caught.value)[0] == "COLLECTION_NOT_FOUND"


async def test_items_go_in_and_out(stub: pb_grpc.GatewayServiceAsyncStub) -> None:
    await stub.CreateCollection(pb.CreateCollectionRequest(name="items"))
    cat = pb.Item(
        id="cat",
        image=common_pb2.Image(content=photo("chelsea.png")),
        texts=["a cat", "an animal"],
        metadata=metadata(year=2024, tags=["a", "b"]),
    )
    bad = pb.Item(id="bad", image=common_pb2.Image(content=b"no image"))
    nan = pb.Item(id="nan", texts=["x"], metadata=metadata(value=float("nan")))
    batch = pb.BatchIngestRequest(collection="items", items=[cat, bad, nan], request_id="r1")
    results = (await stub.BatchIngest(batch)).results
    assert [result.item_id for result in results] == ["cat", "bad", "nan"]
    assert [result.status.code for result in results] == [0, 3, 3]
    assert [result.status.reason for result in results] == ["", "INVALID_IMAGE", "INVALID_INPUT"]
    assert [result.status.field for result in results] == ["", "image", "metadata"]
    assert {result.request_id for result in results} == {"r1"}
    requests = [
        pb.IngestRequest(collection="items", item=pb.Item(id="t", texts=["a dog"]), request_id="r2"),
        pb.IngestRequest(item=pb.Item(id="many", texts=["x"] * 65)),
        pb.IngestRequest(item=pb.Item(id="t", texts=["a dog"]), request_id="r2"),
    ]
    answers = [answer async for answer in stub.Ingest(stream(requests))]  # type: ignore[arg-type]
    assert [answer.status.code for answer in answers] == [0, 3, 0]
    assert [answer.replayed for answer in answers] == [False, False, True]
    item = (await stub.GetItem(pb.GetItemRequest(collection="items", id="cat"))).item
    assert item.has_image and list(item.texts) == ["a cat", "an animal"]
    assert item.image_graph.nodes and len(item.text_graphs) == 2
    assert (item.image_width, item.image_height) == (451, 300)
    assert item.metadata == cat.metadata
    assert item.pack_version and item.create_time.seconds and item.update_time.seconds
    listed = await stub.ListItems(pb.ListItemsRequest(collection="items", page_size=1))
    assert [found.id for found in listed.items] == ["cat"] and listed.next_page_token
    assert not listed.items[0].HasField("image_graph") and list(listed.items[0].texts) == list(item.texts)
    filtered = await stub.ListItems(pb.ListItemsRequest(collection="items", filter="year >= 2024"))
    assert [found.id for found in filtered.items] == ["cat"]
    deleted = await stub.DeleteItems(pb.DeleteItemsRequest(collection="items", ids=["cat", "nobody"]))
    assert deleted.deleted == 1 and list(deleted.missing) == ["nobody"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetItem(pb.GetItemRequest(collection="items", id="cat"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert details(caught.value)[0] == "ITEM_NOT_FOUND"


async def test_a_search_tells_all_of_it(stub: pb_grpc.GatewayServiceAsyncStub) -> None:
    request = search("a tabby cat", explain=True, page_size=2)
    call = stub.Search(request)
    answer = await call
    trailers = dict(await call.trailing_metadata())
    assert trailers["cache-status"] == "miss"
    hit = answer.hits[0]
    assert (hit.item_id, hit.modality) == ("cat", common_pb2.MODALITY_IMAGE)
    assert hit.parts.stage == pb.STAGE_GRAPH and hit.alignment.node_matches and hit.graph.nodes
    assert hit.metadata["kind"] == "photo"
    report = answer.report
    assert report.cache == pb.CACHE_STATUS_MISS and not report.degraded
    assert {timing.stage for timing in report.timings} >= {"search", "match", "total"}
    assert report.considered == report.coarse_candidates == report.float_candidates == len(PHOTOS)
    assert report.query_graph.nodes and report.pack_version and report.collection_version
    again = stub.Search(request)
    await again
    assert dict(await again.trailing_metadata())["cache-status"] == "hit"
    request.page_token = answer.next_page_token
    rest = await stub.Search(request)
    assert rest.hits and not {found.item_id for found in rest.hits} & {found.item_id for found in answer.hits}
    options = pb.RankingOptions(
        last_stage=pb.STAGE_FLOAT, bypass_cache=True, weights=pb.FusionWeights(cosine=1)
    )
    bypass = stub.Search(search(options=options, returning=common_pb2.MODALITY_TEXT))
    texts = await bypass
    assert dict(await bypass.trailing_metadata())["cache-status"] == "bypass"
    assert {found.parts.stage for found in texts.hits} == {pb.STAGE_FLOAT}
    assert {found.text for found in texts.hits} <= {*SENTENCES, *(caption for _, caption in PHOTOS.values())}


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (pb.QueryPart(), "query.parts[0]"),
        (pb.QueryPart(text=""), "query.parts[0].text"),
        (pb.QueryPart(image=common_pb2.Image(content=b"x")), "query.parts[0].image"),
        (
            pb.QueryPart(graph=common_pb2.GraphQuery(optional=common_pb2.SceneGraph(nodes=[{}]))),  # type: ignore[list-item]
            "query.parts[0].graph.optional.nodes[0].label",
        ),
    ],
)
async def test_bad_queries_name_the_field(
    stub: pb_grpc.GatewayServiceAsyncStub, part: pb.QueryPart, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(pb.SearchRequest(collection="photos", query=pb.Query(parts=[part])))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details(caught.value)[1] == [field]


async def test_bad_tokens_filters_and_expressions(stub: pb_grpc.GatewayServiceAsyncStub) -> None:
    expression = pb.Query(parts=[pb.QueryPart(graph_expression="(cat")])
    for request, reason in (
        (search(page_token="made up"), "INVALID_PAGE_TOKEN"),
        (search(filter="year >"), "INVALID_FILTER"),
        (pb.SearchRequest(collection="photos", query=expression), "INVALID_GRAPH_QUERY"),
        (search(returning=7), "INVALID_INPUT"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Search(request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert details(caught.value)[0] == reason


async def test_a_staged_search(stub: pb_grpc.GatewayServiceAsyncStub) -> None:
    request = pb.SearchStreamRequest(search=search("a cup of hot coffee", page_size=3))
    call = stub.SearchStream(request)
    pages = [page async for page in call]
    assert [(page.stage, page.final) for page in pages] == [
        (pb.STAGE_COARSE, False),
        (pb.STAGE_FLOAT, False),
        (pb.STAGE_GRAPH, True),
    ]
    assert dict(await call.trailing_metadata())["cache-status"] == "miss"
    whole = await stub.Search(request.search)
    assert whole.hits == pages[-1].page.hits
    request.search.page_token = pages[-1].page.next_page_token
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [page async for page in stub.SearchStream(request)]
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_rank(stub: pb_grpc.GatewayServiceAsyncStub) -> None:
    candidates = [pb.RankCandidate(id=name, text=caption) for name, (_, caption) in PHOTOS.items()]
    query = pb.Query(parts=[pb.QueryPart(image=common_pb2.Image(content=photo("chelsea.png")))])
    answer = await stub.Rank(pb.RankRequest(query=query, candidates=candidates, explain=True))
    assert answer.hits[0].item_id == "cat" and answer.hits[0].alignment.node_matches
    assert answer.report.considered == len(PHOTOS)
    candidates.append(pb.RankCandidate(image=common_pb2.Image(content=b"no image")))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Rank(pb.RankRequest(query=query, candidates=candidates))
    assert details(caught.value) == ("INVALID_IMAGE", ["candidates[5].image"])


async def test_an_upload_is_a_query_once(stub: pb_grpc.GatewayServiceAsyncStub) -> None:
    content = photo("chelsea.png")
    chunks = [pb.UploadImageRequest(chunk=content[at : at + 65_536]) for at in range(0, len(content), 65_536)]
    upload = await stub.UploadImage(stream(chunks))  # type: ignore[arg-type]
    assert upload.bytes == len(content) and upload.expire_time.seconds
    part = pb.QueryPart(image=common_pb2.Image(upload_id=upload.upload_id))
    request = pb.SearchRequest(collection="photos", query=pb.Query(parts=[part]))
    assert (await stub.Search(request)).hits[0].item_id == "cat"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(request)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert details(caught.value)[0] == "UPLOAD_NOT_FOUND"


async def test_server_info(stub: pb_grpc.GatewayServiceAsyncStub, gateway: GatewayApp) -> None:
    info = await stub.ServerInfo(pb.ServerInfoRequest())
    assert info.pack_name == "default" and info.pack_version.startswith("default@")
    assert info.embedding_size >= 384 and list(info.code_bits) == [64, 128, 256]
    assert sum(info.levels.values()) == pytest.approx(1) and "scene" in info.levels
    assert info.max_message_bytes >= 16 * 2**20 and info.max_upload_bytes == 64 * 2**20
    assert info.cache == "memory" and info.version


async def test_a_call_with_little_time_ends_in_time(stub: pb_grpc.GatewayServiceAsyncStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(search("a cat in no time"), timeout=0.0005)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
