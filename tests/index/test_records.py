"""Writing, reading, replacing and removing records; what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.index.make import BITS, PACK, all_ids, code, entry, graph, opened, put, query, record, same

from scenograph.index.app import IndexApp
from scenograph.index.limits import Limits
from scenograph.index.records import pack, unpack_graph
from scenograph.runtime.contracts import Entry, JsonValue, Modality, Record, Write
from scenograph.scene.errors import (
    CollectionExists,
    CollectionNotFound,
    DuplicateItem,
    InvalidInput,
    PackMismatch,
    RequestIdReused,
    ResourceExhausted,
    ScenographError,
)
from scenograph.scene.graph import Node, SceneGraph
from scenograph.scene.units import GraphUnits, UnitKind


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[IndexApp]:
    async with opened(tmp_path, collections=["photos"]) as index:
        yield index


async def test_a_record_comes_back_as_it_was_written(app: IndexApp) -> None:
    before = datetime.now(UTC)
    metadata: dict[str, JsonValue] = {
        "year": 2024,
        "tags": ["dog", "café"],
        "camera": {"make": "x"},
        "none": None,
    }
    written = record("a", 1, texts=3, metadata=metadata)
    result = await put(app, written)
    found, missing = await app.get("photos", ["b", "a", "a"])
    assert missing == ["b"]
    assert [same(one, written) for one in found] == [True]
    assert found[0].create_time == found[0].update_time
    assert found[0].create_time is not None and abs((found[0].create_time - before).total_seconds()) < 5
    collection = await app.get_collection("photos")
    assert (collection.items, collection.entries, collection.version) == (1, 4, result.version)


async def test_a_brief_read_leaves_graphs_embeddings_and_codes_out(app: IndexApp) -> None:
    await put(app, record("a", 1))
    (found,), _ = await app.get("photos", ["a"], brief=True)
    assert [(e.graph, e.embedding, e.code) for e in found.entries] == [(None, None, None)] * 2
    assert found.entries[1].text == "text 0 of 1"


def test_graphs_written_before_there_were_units_are_read() -> None:
    old = msgspec.msgpack.encode(
        {"nodes": [{"label": "dog", "score": 0.5, "box": None}], "edges": [], "tags": []}
    )
    assert unpack_graph(old) == SceneGraph((Node("dog", score=0.5),))


def test_units_are_stored_in_little_more_than_their_bytes() -> None:
    count, size = 28, 128
    vectors = np.random.default_rng(1).standard_normal((count, size)).astype(np.float32)
    kinds, nodes = np.full(count, UnitKind.CELL), np.full(count, -1)
    units = GraphUnits.quantised(vectors, np.ones(count), kinds, nodes, np.zeros((count, 4)))
    plain = SceneGraph((Node("dog"),))
    full = replace(plain, units=units)
    assert len(_pack_graph(full)) - len(_pack_graph(plain)) <= count * (size + 4 + 4 + 1 + 4 + 16) + 64
    assert unpack_graph(_pack_graph(full)) == full


def test_damaged_units_are_an_error() -> None:
    whole = graph("dog")
    assert whole.units is not None
    packed = list(whole.units.packed())
    for place, wrong in ((0, 5), (1, b"abc"), (2, b""), (4, b"1"), (6, b"12"), (6, None)):
        parts = [*packed[:place], wrong, *packed[place + 1 :]]
        with pytest.raises(ValueError):
            unpack_graph(msgspec.msgpack.encode({"units": parts}))
    with pytest.raises(ValueError):
        unpack_graph(msgspec.msgpack.encode({"units": packed[:3]}))


def _pack_graph(graph: SceneGraph) -> bytes:
    (blob,) = pack(Record("a", (replace(entry(1), graph=graph),), PACK), b"{}").graphs
    assert blob is not None
    return blob


async def test_an_update_replaces_the_whole_record_and_keeps_its_first_time(app: IndexApp) -> None:
    await put(app, record("a", 1, texts=5, metadata={"old": True}))
    (first,), _ = await app.get("photos", ["a"])
    await put(app, record("a", 2, texts=1, metadata={"new": True}))
    (second,), _ = await app.get("photos", ["a"])
    assert same(second, record("a", 2, texts=1, metadata={"new": True}))
    assert second.create_time == first.create_time
    assert first.update_time is not None and second.update_time is not None
    assert second.update_time > first.update_time
    answer = await app.search("photos", query(100, with_graphs=10))
    assert {hit.text for hit in answer.hits} == {"", "text 0 of 2"}
    assert await all_ids(app, filter="old:*") == []


async def test_a_removed_record_is_gone_at_once(app: IndexApp) -> None:
    await put(app, record("a", 1), record("b", 2))
    result = await app.delete("photos", ["a", "c", "a"])
    assert (result.deleted, result.missing) == (1, ["c"])
    assert {hit.item_id for hit in (await app.search("photos", query(100))).hits} == {"b"}
    assert await all_ids(app) == ["b"]
    assert (await app.get("photos", ["a"]))[1] == ["a"]
    assert (await app.get_collection("photos")).entries == 2


def _found_on_disk(content: bytes, folder: Path) -> bool:
    return any(content in path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_what_was_removed_is_in_no_file_once_it_is_quiet(tmp_path: Path) -> None:
    secret = "a most peculiar sentence"
    code, embedding = (
        np.frombuffer(b"peculiar", np.uint8),
        np.frombuffer(b"most peculiar embedding entirely", "<f4"),
    )
    content = (secret.encode(), code.tobytes(), embedding.tobytes())
    async with opened(tmp_path, collections=["photos"]) as app:
        entry = replace(record("x").entries[1], text=secret, code=code, embedding=embedding)
        await put(app, Record(secret, (entry,), PACK, {"note": secret}), record("b", 2))
        assert all(_found_on_disk(part, tmp_path) for part in content)
        await app.delete("photos", [secret])
        for _ in range(200):
            if not any(_found_on_disk(part, tmp_path) for part in content):
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("what was removed is still on disk")


async def test_every_change_raises_the_version_and_nothing_else_does(app: IndexApp) -> None:
    versions = [(await put(app, record("a", 1))).version, (await put(app, record("a", 1))).version]
    versions.append((await app.delete("photos", ["a"])).version)
    assert versions == sorted(set(versions))
    assert (await app.delete("photos", ["a"])).version == versions[-1]
    refused = await app.upsert("photos", [Write(record("b", 1, pack="other@1"))])
    assert refused.version == versions[-1]


async def test_a_version_is_never_used_twice_by_collections_of_one_name(app: IndexApp) -> None:
    await put(app, record("a", 1))
    before = (await app.get_collection("photos")).version
    await app.delete_collection("photos")
    with pytest.raises(CollectionNotFound):
        await app.get_collection("photos")
    again = await app.create_collection("photos", PACK, BITS)
    assert again.version > before and again.items == 0
    with pytest.raises(CollectionExists):
        await app.create_collection("photos", PACK, BITS)


async def test_collections_are_listed_by_name_page_by_page(app: IndexApp) -> None:
    for name in ("b", "a", "zoo"):
        await app.create_collection(name, PACK, 128)
    first, token = await app.list_collections(3)
    await app.delete_collection("a")
    second, end = await app.list_collections(3, token)
    assert [one.name for one in first + second] == ["a", "b", "photos", "zoo"]
    assert end == "" and first[0].bits == 128


async def test_a_repeated_request_is_acknowledged_and_not_written_again(app: IndexApp) -> None:
    first = await app.upsert("photos", [Write(record("a", 1), "r1", b"one")])
    await put(app, record("a", 2))
    again = await app.upsert("photos", [Write(record("a", 1), "r1", b"one")])
    assert (first.replayed, again.replayed, again.errors) == ([False], [True], [None])
    (found,), _ = await app.get("photos", ["a"])
    assert same(found, record("a", 2))
    other = await app.upsert("photos", [Write(record("a", 3), "r1", b"two"), Write(record("b", 3))])
    assert isinstance(other.errors[0], RequestIdReused) and other.errors[1] is None


async def test_one_request_id_may_stand_for_several_items(app: IndexApp) -> None:
    writes = [Write(record("a", 1), "r", b"a"), Write(record("b", 2), "r", b"b")]
    assert (await app.upsert("photos", writes)).replayed == [False, False]
    assert (await app.upsert("photos", writes)).replayed == [True, True]
    assert await all_ids(app) == ["a", "b"]


async def test_only_the_newest_request_ids_are_remembered(tmp_path: Path) -> None:
    async with opened(tmp_path, Limits(remembered_requests=3), collections=["photos"]) as app:
        for number in range(5):
            await app.upsert("photos", [Write(record(f"i{number}", number), f"r{number}")])
        writes = [Write(record(f"i{number}", number), f"r{number}") for number in range(5)]
        assert (await app.upsert("photos", writes)).replayed == [False, False, True, True, True]


async def test_one_id_twice_in_a_call_refuses_the_whole_call(app: IndexApp) -> None:
    with pytest.raises(DuplicateItem) as caught:
        await app.upsert("photos", [Write(record("a")), Write(record("b")), Write(record("a", 1))])
    assert caught.value.violations[0].field == "writes[2].record.id"
    assert await all_ids(app) == []


async def test_another_packs_record_is_refused_and_the_rest_written(app: IndexApp) -> None:
    result = await app.upsert("photos", [Write(record("a", pack="other@2")), Write(record("b"))])
    assert isinstance(result.errors[0], PackMismatch) and result.errors[1] is None
    with pytest.raises(PackMismatch):
        await app.search("photos", replace(query(), pack_version="other@2"))


def _with_entry(**changes: object) -> Record:
    return Record("a", (replace(record("a").entries[1], **changes),), PACK)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (record(""), "record.id"),
        (record("x" * 257), "record.id"),
        (record("\ud800"), "record.id"),
        (record("a", pack=""), "record.pack_version"),
        (Record("a", (), PACK), "record.entries"),
        (Record("a", record("a").entries[:1] * 2, PACK), "record.entries[1].ordinal"),
        (record("a", metadata={"x": "y" * 65_536}), "record.metadata"),
        (record("a", metadata={"x": float("nan")}), "record.metadata"),
        (record("a", metadata={"x": float("inf")}), "record.metadata"),
        (record("a", metadata={"x": object()}), "record.metadata"),  # type: ignore[dict-item]
        (record("a", metadata={"x": "\ud800"}), "record.metadata"),
        (record("a", metadata={"x": 10**400}), "record.metadata"),
        (_with_entry(code=None), "record.entries[0].code"),
        (_with_entry(code=code(1, 128)), "record.entries[0].code"),
        (_with_entry(modality=Modality.UNSPECIFIED), "record.entries[0].modality"),
        (_with_entry(ordinal=-1), "record.entries[0].ordinal"),
        (_with_entry(text="x" * 65_537), "record.entries[0].text"),
        (_with_entry(width=-1), "record.entries[0].width"),
        (_with_entry(embedding=np.full(8, np.inf, np.float32)), "record.entries[0].embedding"),
        (_with_entry(embedding=np.ones(9, np.float32)), "record.entries"),
        (_with_entry(embedding=None), "record.entries"),
    ],
)
async def test_a_wrong_record_is_refused_with_the_field(app: IndexApp, wrong: Record, field: str) -> None:
    await put(app, record("ok"))
    result = await app.upsert("photos", [Write(record("b", 3)), Write(wrong)])
    error = result.errors[1]
    assert result.errors[0] is None and isinstance(error, InvalidInput)
    assert error.violations[0].field == f"writes[1].{field}"
    assert await all_ids(app) == ["ok", "b"]


def _nested(depth: int) -> dict[str, JsonValue]:
    value: JsonValue = 1
    for _ in range(depth):
        value = [value]
    return {"x": value}


async def test_deep_metadata_is_refused_whatever_the_depth(app: IndexApp) -> None:
    await put(app, record("a", metadata=_nested(31)))
    result = await app.upsert("photos", [Write(record("b", metadata=_nested(900)))])
    assert isinstance(result.errors[0], InvalidInput)


async def test_any_text_may_be_an_id(app: IndexApp) -> None:
    ids = ["a\0b", "a", "'; DROP TABLE items; --", "🐕" * 256, " ", "\n", "A", "á", "a\u0301"]
    await put(app, *(record(item, number) for number, item in enumerate(ids)))
    found, missing = await app.get("photos", ids)
    assert [one.id for one in found] == ids and missing == []
    await app.delete("photos", ["a\0b"])
    assert await all_ids(app) == ids[1:]


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "-a", "a" * 65, "é"])
async def test_a_wrong_name_is_refused(app: IndexApp, name: str) -> None:
    with pytest.raises(InvalidInput):
        await app.create_collection(name, PACK)
    with pytest.raises(CollectionNotFound):
        await app.get("../a" + name, ["a"])


@pytest.mark.parametrize("bits", [-1, 1, 63, 512])
async def test_other_code_lengths_are_refused(app: IndexApp, bits: int) -> None:
    with pytest.raises(InvalidInput):
        await app.create_collection("new", PACK, bits)


async def test_calls_of_wrong_size_are_refused(app: IndexApp) -> None:
    for count in (0, 1025):
        with pytest.raises(InvalidInput):
            await app.upsert("photos", [Write(record(str(n))) for n in range(count)])
        with pytest.raises(InvalidInput):
            await app.get("photos", [str(n) for n in range(count)])
        with pytest.raises(InvalidInput):
            await app.delete("photos", [str(n) for n in range(count)])
    with pytest.raises(InvalidInput):
        await app.list_items("photos", page_size=-1)


async def test_a_collection_without_embeddings_is_searched_by_distance_alone(app: IndexApp) -> None:
    await app.create_collection("plain", PACK, BITS)
    bare = Entry(Modality.TEXT, 0, "a", code=code(1))
    await put(app, Record("a", (bare,), PACK), collection="plain")
    answer = await app.search("plain", query(1))
    assert [(hit.item_id, hit.hamming, hit.cosine) for hit in answer.hits] == [("a", 0, 0.0)]
    with pytest.raises(InvalidInput):
        await app.search("plain", query(1, embedding=np.ones(8, np.float32)))


async def test_writes_beyond_the_queue_are_refused_and_can_be_repeated(tmp_path: Path) -> None:
    async with opened(tmp_path, Limits(pending_writes=64), collections=["photos"]) as app:

        async def write(call: int) -> bool:
            try:
                await put(app, *(record(f"{call}-{n}", n, texts=0) for n in range(32)))
            except ResourceExhausted as error:
                assert error.retry_after_s
                return False
            return True

        done = await asyncio.gather(*(write(call) for call in range(40)))
        assert any(done)
        expected = {f"{call}-{n}" for call, ok in enumerate(done) if ok for n in range(32)}
        assert set(await all_ids(app)) == expected


async def test_an_error_of_one_call_is_not_anothers(app: IndexApp) -> None:
    """Calls that share a commit keep their own errors and answers."""

    async def write(number: int) -> ScenographError | None:
        pack = PACK if number % 3 else "other@1"
        return (await app.upsert("photos", [Write(record(f"i{number}", number, pack=pack))])).errors[0]

    errors = await asyncio.gather(*(write(number) for number in range(30)))
    assert [isinstance(error, PackMismatch) for error in errors] == [number % 3 == 0 for number in range(30)]
    assert len(await all_ids(app)) == 20
