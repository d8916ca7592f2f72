"""The service over a real connection: the same answers as in memory, errors with their fields."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tests.index.make import BITS, PACK, opened, query, record, same

from scenograph.gateway.remote_index import RemoteIndex
from scenograph.index import converters as convert
from scenograph.index.app import IndexApp
from scenograph.index.servicer import IndexServicer
from scenograph.runtime import converters as shared
from scenograph.runtime.contracts import Collection, Index, IndexAnswer, SearchIndex, SearchKind, Write
from scenograph.runtime.server import Server, ServerOptions
from scenograph.runtime.status import from_rpc_error
from scenograph.scene.errors import (
    CollectionNotFound,
    DuplicateItem,
    InvalidFilter,
    InvalidInput,
    InvalidPageToken,
    PackMismatch,
    RequestIdReused,
    ScenographError,
    SnapshotNotFound,
)
from scenograph.v1 import index_pb2 as pb
from scenograph.v1 import index_pb2_grpc as pb_grpc


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[IndexApp]:
    async with opened(tmp_path) as index:
        yield index


@pytest.fixture
async def server(app: IndexApp) -> AsyncIterator[Server]:
    server = Server(["scenograph.v1.IndexService"], ServerOptions())
    await server.start()
    server.add(lambda register: pb_grpc.add_IndexServiceServicer_to_server(IndexServicer(app), register))
    await server.ready()
    yield server
    await server.stop()


@pytest.fixture
async def remote(server: Server) -> AsyncIterator[RemoteIndex]:
    index = RemoteIndex(server.address)
    yield index
    await index.close()


@pytest.fixture
async def stub(server: Server) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield pb_grpc.IndexServiceStub(channel)


async def test_a_collections_life_over_grpc_is_as_in_memory(app: IndexApp, remote: RemoteIndex) -> None:
    index: Index = remote
    made = await index.create_collection("photos", PACK, BITS)
    assert made == await app.get_collection("photos") == await index.get_collection("photos")
    written = [record(f"i{n}", n, texts=n % 3, metadata={"n": float(n), "t": ["x"]}) for n in range(10)]
    writes = [Write(one, "r", one.id.encode()) for one in written]
    first, again = await index.upsert("photos", writes), await index.upsert("photos", writes)
    assert first.errors == again.errors == [None] * 10
    assert (first.replayed, again.replayed) == ([False] * 10, [True] * 10)
    assert first.version == again.version == (await app.get_collection("photos")).version
    found, missing = await index.get("photos", ["i3", "nothing", "i1"])
    assert [same(a, b) for a, b in zip(found, [written[3], written[1]], strict=True)] == [True, True]
    assert missing == ["nothing"]
    assert found[0].create_time == (await app.get("photos", ["i3"]))[0][0].create_time
    brief, _ = await index.get("photos", ["i3"], brief=True)
    assert [(e.graph, e.code, e.embedding) for e in brief[0].entries] == [(None, None, None)]
    page, token = await index.list_items("photos", page_size=4, filter="n > 2")
    rest, end = await index.list_items("photos", page_size=4, filter="n > 2", page_token=token)
    assert [one.id for one in page + rest] == [f"i{n}" for n in range(3, 10)] and end == ""
    asked = query(3, embedding=np.ones(8, np.float32), filter='t : "x"', with_graphs=3, coarse_candidates=9)
    near, far = await app.search("photos", asked), await index.search("photos", asked)
    names = ("item_id", "modality", "ordinal", "hamming", "cosine", "text")
    assert [[getattr(h, n) for n in names] for h in near.hits] == [
        [getattr(h, n) for n in names] for h in far.hits
    ]
    assert (near.considered, near.version) == (far.considered, far.version)
    assert [hit.graph is not None for hit in far.hits[:4]] == [True] * 3 + [False]
    assert far.timings.keys() == near.timings.keys()
    deleted = await index.delete("photos", ["i0", "nothing"])
    assert (deleted.deleted, deleted.missing) == (1, ["nothing"]) and deleted.version > first.version


async def test_snapshots_over_grpc(remote: RemoteIndex) -> None:
    await remote.create_collection("photos", PACK, BITS)
    await remote.upsert("photos", [Write(record("a"))])
    made = await remote.create_snapshot("photos", "s")
    assert (await remote.list_snapshots("photos"))[0] == [made]
    await remote.delete_collection("photos")
    assert (await remote.list_collections())[0] == []
    assert (await remote.restore_snapshot("s", "copy")).items == 1
    await remote.delete_snapshot("s")
    assert (await remote.list_snapshots())[0] == []


async def test_errors_over_grpc_are_those_in_memory(remote: RemoteIndex) -> None:
    await remote.create_collection("photos", PACK, BITS)
    mixed = await remote.upsert(
        "photos", [Write(record("a"), "r", b"1"), Write(record("b", pack="other@1")), Write(record(""))]
    )
    assert [type(error) for error in mixed.errors] == [type(None), PackMismatch, InvalidInput]
    assert isinstance(mixed.errors[2], InvalidInput)
    assert mixed.errors[2].violations[0].field == "writes[2].record.id"
    reused = await remote.upsert("photos", [Write(record("a", 1), "r", b"2")])
    assert isinstance(reused.errors[0], RequestIdReused)
    calls: list[tuple[Any, type[ScenographError], str]] = [
        (remote.get_collection("nowhere"), CollectionNotFound, ""),
        (remote.upsert("photos", [Write(record("a"))] * 2), DuplicateItem, "writes[1].record.id"),
        (remote.search("photos", query(filter="a = ")), InvalidFilter, "filter"),
        (remote.list_items("photos", page_token="x"), InvalidPageToken, "page_token"),
        (remote.restore_snapshot("s"), SnapshotNotFound, ""),
        (remote.delete_snapshot("s"), SnapshotNotFound, ""),
        (remote.create_collection("B", PACK), InvalidInput, "name"),
    ]
    for call, kind, field in calls:
        with pytest.raises(kind) as caught:
            await call
        violations = getattr(caught.value, "violations", ())
        assert [violation.field for violation in violations] == ([field] if field else [])


async def test_wrong_messages_are_refused_with_the_field(stub: Any, remote: RemoteIndex) -> None:
    await remote.create_collection("photos", PACK, BITS)
    good = convert.write_to_pb(Write(record("a")))

    def upsert(**changes: Any) -> pb.UpsertRequest:
        write = pb.Write()
        write.CopyFrom(good)
        entry = write.record.entries[0]
        for name, value in changes.items():
            if isinstance(value, int):
                setattr(entry, name, value)
            else:
                getattr(entry, name).CopyFrom(value)
        return pb.UpsertRequest(collection="photos", writes=[good, write])

    short = convert.query_to_pb("photos", query())
    short.code.length = 128
    odd = convert.query_to_pb("photos", query())
    odd.modality = 7  # type: ignore[assignment]
    edge = good.record.entries[0].graph
    broken = type(edge)()
    broken.CopyFrom(edge)
    broken.edges[0].object = 9
    where = "writes[1].record.entries[0]"
    calls = [
        (stub.Upsert, upsert(modality=9), f"{where}.modality"),
        (stub.Upsert, upsert(graph=broken), f"{where}.graph.edges"),
        (stub.Upsert, upsert(code=short.code), f"{where}.code"),
        (stub.Search, short, "code"),
        (stub.Search, odd, "modality"),
        (stub.Upsert, pb.UpsertRequest(collection="photos"), "writes"),
        (stub.ListItems, pb.IndexServiceListItemsRequest(collection="photos", page_size=-1), "page_size"),
    ]
    for method, request, field in calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(request)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        error = from_rpc_error(caught.value)
        assert isinstance(error, InvalidInput) and error.violations[0].field == field
    assert (await remote.get_collection("photos")).items == 0


async def test_no_bits_means_256(stub: Any) -> None:
    request = pb.IndexServiceCreateCollectionRequest(name="photos", pack_version=PACK)
    assert (await stub.CreateCollection(request)).collection.bits == 256


def test_what_a_collection_is_searched_by_is_told() -> None:
    index = SearchIndex(SearchKind.LISTS, 5_000_000, 2048, 0.98, 1000)
    made = Collection("photos", "default@1", 64, 1, 2, 3, datetime(2026, 1, 1, tzinfo=UTC), index)
    assert convert.collection_from_pb(shared.collection_to_pb(made)) == made
    answer = convert.answer_from_pb(convert.answer_to_pb(IndexAnswer([], 7, 3, searched=index)))
    assert answer.searched == index
    older = convert.answer_from_pb(pb.IndexServiceSearchResponse(considered=7, version=3))
    assert older.searched == SearchIndex()
    asked = convert.query_from_pb(convert.query_to_pb("photos", query(exact=True)))
    assert asked.exact and not convert.query_from_pb(convert.query_to_pb("photos", query())).exact
