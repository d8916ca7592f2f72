"""Writes on Milvus: what is acknowledged, refused, replaced; versions; many writers; who sees what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.index.make import BITS, PACK, all_ids, entry, query, record, same
from tests.milvus_server import UNHURRIED_S, MilvusProcess

from scenograph.index.milvus.app import MilvusIndex
from scenograph.index.milvus.rows import PART_CHARS
from scenograph.runtime.contracts import Entry, IndexQuery, Modality, Record, Write
from scenograph.runtime.principal import SYSTEM, Principal, acting_as
from scenograph.scene.errors import (
    CollectionExists,
    CollectionNotFound,
    DuplicateItem,
    FailedPrecondition,
    InvalidInput,
    InvalidPageToken,
    PackMismatch,
    PageTokenExpired,
    PermissionDenied,
    RequestIdReused,
)
from scenograph.scene.graph import Node, SceneGraph


async def put(index: MilvusIndex, *records: Record) -> int:
    result = await index.upsert("photos", [Write(one) for one in records])
    assert result.errors == [None] * len(records)
    return result.version


async def test_a_record_comes_back_whole(index: MilvusIndex) -> None:
    words = np.random.default_rng(0).integers(0, 2**40, 12_000)
    large = SceneGraph(tuple(Node(f"thing {word:x}") for word in words))
    entries = (
        Entry(Modality.IMAGE, 0, "", large, *vectors(1), 640, 480),
        entry(2, Modality.TEXT, 0, "a\0é😀"),
    )
    wanted = Record("large", entries, PACK, {"a": [1, {"b": None}], "π": 3.5}, access_labels=("x", "y"))
    await put(index, wanted)
    (found,), missing = await index.get("photos", ["large"])
    assert same(found, wanted) and not missing and found.access_labels == ("x", "y")
    answer = await index.search("photos", query(0, with_graphs=50))
    assert {hit.item_id: hit.graph for hit in answer.hits if hit.modality is Modality.IMAGE}["large"] == large
    assert len(str(large)) > 2 * PART_CHARS


def vectors(seed: int) -> tuple[np.ndarray, np.ndarray]:
    made = entry(seed)
    assert made.embedding is not None and made.code is not None
    return made.embedding, made.code


async def test_a_rewrite_replaces_all_of_an_item_and_keeps_its_place(index: MilvusIndex) -> None:
    await put(index, record("r1", 1, texts=3), record("r2", 2))
    before = await index.get_collection("photos")
    (first,), _ = await index.get("photos", ["r1"])
    await put(index, record("r1", 9, texts=1))
    after = await index.get_collection("photos")
    assert (after.items, after.entries) == (before.items, before.entries - 2)
    (second,), _ = await index.get("photos", ["r1"])
    assert same(second, record("r1", 9, texts=1)) and second.create_time == first.create_time
    assert first.update_time and second.update_time and second.update_time > first.update_time
    names = await all_ids(index)  # type: ignore[arg-type]
    assert names.index("r1") < names.index("r2")


async def test_versions_rise_with_each_change_and_only_then(index: MilvusIndex) -> None:
    seen = [(await index.get_collection("photos")).version]
    seen.append(await put(index, record("v1")))
    seen.append(await put(index, record("v1", 3)))
    seen.append((await index.delete("photos", ["v1", "v1"])).version)
    assert seen == sorted(set(seen))
    gone = await index.delete("photos", ["v1"])
    assert (gone.deleted, gone.missing, gone.version) == (0, ["v1"], seen[-1])
    assert (await index.get_collection("photos")).version == seen[-1]
    assert (await index.search("photos", query())).version == seen[-1]


async def test_requests_are_written_once(index: MilvusIndex) -> None:
    write = Write(record("q1", 1), "request", b"content")
    other = Write(record("q2", 2), "request", b"content")
    first = await index.upsert("photos", [write, other])
    again = await index.upsert("photos", [write, Write(record("q3", 3), "request", b"content")])
    assert (first.replayed, again.replayed) == ([False, False], [True, False])
    await put(index, record("q1", 5))
    late = await index.upsert("photos", [write])
    assert late.replayed == [True], "a repetition does not undo what came later"
    (found,), _ = await index.get("photos", ["q1"])
    assert same(found, record("q1", 5))
    reused = await index.upsert("photos", [Write(record("q1", 6), "request", b"other")])
    assert isinstance(reused.errors[0], RequestIdReused)


async def test_a_wrong_write_is_not_its_neighbours(index: MilvusIndex) -> None:
    small = entry(1)
    short = Record("w2", (Entry(Modality.IMAGE, embedding=np.ones(3, np.float32), code=small.code),), PACK)
    wide = record("w3", metadata={"list": list(range(5000))})
    result = await index.upsert(
        "photos",
        [Write(one) for one in (record("w1"), short, wide, record("w4", pack="other@1"), record("w5"))],
    )
    kinds = [type(error) for error in result.errors]
    assert kinds == [type(None), InvalidInput, InvalidInput, PackMismatch, type(None)]
    _, missing = await index.get("photos", ["w1", "w2", "w3", "w4", "w5"])
    assert missing == ["w2", "w3", "w4"]
    with pytest.raises(DuplicateItem):
        await index.upsert("photos", [Write(record("w1")), Write(record("w1"))])


async def test_collections(index: MilvusIndex) -> None:
    with pytest.raises(CollectionExists):
        await index.create_collection("photos", PACK, BITS)
    for name in ("nobody", "Not a name", ""):
        with pytest.raises(CollectionNotFound, match="there is no collection"):
            await index.get_collection(name)
        with pytest.raises((CollectionNotFound, InvalidInput)):
            await index.delete_collection(name)
    with pytest.raises(FailedPrecondition, match="back up Milvus"):
        await index.create_snapshot("photos")
    assert await index.list_snapshots() == ([], "")
    await index.create_collection("with-hyphen_1", PACK, 128)
    nothing = await index.search("with-hyphen_1", IndexQuery(np.zeros(16, np.uint8), 128, PACK))
    assert (nothing.hits, nothing.considered) == ([], 0)
    found, token = await index.list_collections(page_size=1)
    assert [one.name for one in found] == ["photos"] or token
    names = [one.name for one in found]
    while token:
        found, token = await index.list_collections(page_size=1, page_token=token)
        names += [one.name for one in found]
    assert names == sorted(names) and {"photos", "with-hyphen_1"} <= set(names)
    assert {size.name for size in await asyncio.to_thread(index.sizes)} >= {"photos", "with-hyphen_1"}
    await index.delete_collection("with-hyphen_1")


async def test_another_collection_of_the_name_is_found_out(milvus: MilvusProcess, index: MilvusIndex) -> None:
    other = MilvusIndex(milvus.url, timeout_s=UNHURRIED_S)
    await other.start()
    await index.create_collection("twice", PACK, BITS)
    await index.upsert("twice", [Write(record(name)) for name in ("a", "b")])
    first = await other.get_collection("twice")
    _, token = await other.list_items("twice", page_size=1)
    await index.delete_collection("twice")
    await index.create_collection("twice", "another@1", BITS)
    second = await other.get_collection("twice")
    assert (second.pack_version, second.items) == ("another@1", 0) and second.version > first.version
    with pytest.raises(PackMismatch):
        await other.search("twice", query())
    with pytest.raises(PageTokenExpired):
        await other.list_items("twice", page_size=1, page_token=token)
    with pytest.raises(InvalidPageToken):
        await other.list_items("photos", page_size=1, page_token=token)
    await index.delete_collection("twice")
    with pytest.raises(CollectionNotFound):
        await other.search("twice", query())
    await other.close()


async def test_many_writers_of_one_item_leave_one_whole(milvus: MilvusProcess, index: MilvusIndex) -> None:
    """Two processes' worth of indexes write and read the same few items at once."""
    others = [index, MilvusIndex(milvus.url, timeout_s=UNHURRIED_S)]
    await others[1].start()
    await put(index, *(record(f"m{item}", 0, texts=2) for item in range(3)))
    torn = []

    async def write(app: MilvusIndex, seed: int) -> None:
        for number in range(6):
            await put(
                app, *(record(f"m{item}", seed + number, texts=(seed + number) % 4) for item in range(3))
            )

    async def read(app: MilvusIndex, done: asyncio.Event) -> None:
        while not done.is_set():
            found, _ = await app.get("photos", [f"m{item}" for item in range(3)])
            for one in found:
                seed = int(one.entries[0].graph.nodes[0].label.removeprefix("thing")) // 100  # type: ignore[union-attr]
                if not same(one, record(one.id, seed, texts=len(one.entries) - 1)):
                    torn.append(one.id)

    done = asyncio.Event()
    readers = [asyncio.create_task(read(app, done)) for app in others]
    await asyncio.gather(*(write(app, 10 * place) for place, app in enumerate([*others, *others])))
    done.set()
    await asyncio.gather(*readers)
    assert torn == []
    count = (await index.get_collection("photos")).items
    assert count == len(set(await all_ids(index)))  # type: ignore[arg-type]
    await put(index, *(record(f"m{item}", 50) for item in range(3)))
    hits = (await index.search("photos", query(coarse_candidates=0))).hits
    mine = [(hit.item_id, hit.modality, hit.ordinal) for hit in hits if hit.item_id.startswith("m")]
    assert len(mine) == len(set(mine)) == 6, "whatever the race left is gone with the next write"
    await others[1].close()


LABELS = ["red", "green", 'bl"ue', "é"]
people = st.none() | st.frozensets(st.sampled_from(LABELS), max_size=3)


@pytest.fixture(scope="module")
async def labelled(milvus: MilvusProcess) -> AsyncIterator[tuple[MilvusIndex, dict[str, frozenset[str]]]]:
    app = MilvusIndex(milvus.url, timeout_s=UNHURRIED_S, strong=False)
    await app.start()
    await app.create_collection("labelled", PACK, BITS)
    random = np.random.default_rng(3)
    owned = {f"i{n}": frozenset(random.choice(LABELS, random.integers(0, 3)).tolist()) for n in range(40)}
    await app.upsert(
        "labelled",
        [Write(labelled_record(item, int(item[1:]), labels)) for item, labels in owned.items()],
    )
    yield app, owned
    await app.close()


def labelled_record(item: str, seed: int, labels: frozenset[str]) -> Record:
    plain = record(item, seed, texts=seed % 3, metadata={"n": seed})
    return Record(
        plain.id, plain.entries, plain.pack_version, plain.metadata, access_labels=tuple(sorted(labels))
    )


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people, st.sampled_from(["", "n >= 20", "NOT n < 10"]), st.sampled_from(Modality))
async def test_nobody_sees_what_their_labels_do_not_show(
    labelled: tuple[MilvusIndex, dict[str, frozenset[str]]],
    held: frozenset[str] | None,
    filter: str,
    modality: Modality,
) -> None:
    app, owned = labelled
    shown = {item for item, labels in owned.items() if held is None or not labels or labels & held}
    least = {"": 0, "n >= 20": 20, "NOT n < 10": 10}[filter]
    passing = {item for item in shown if int(item[1:]) >= least}
    entries = {(item, Modality.IMAGE, 0) for item in passing}
    entries |= {(item, Modality.TEXT, i) for item in passing for i in range(int(item[1:]) % 3)}
    wanted = {one for one in entries if modality in (Modality.UNSPECIFIED, one[1])}
    with acting_as(Principal("somebody", labels=held)):
        for keep in (0, 20_000):
            asked = query(1, filter=filter, modality=modality, coarse_candidates=keep)
            answer = await app.search("labelled", asked)
            assert {(hit.item_id, hit.modality, hit.ordinal) for hit in answer.hits} == wanted
            assert answer.considered == len(wanted)
        described = await app.get_collection("labelled")
        assert described.items == len(shown)
        assert described.entries == sum(1 + int(item[1:]) % 3 for item in shown)
        found = await all_ids(app, "labelled", filter, 7)  # type: ignore[arg-type]
        assert found == sorted(passing, key=lambda item: int(item[1:]))
        records, missing = await app.get("labelled", list(owned))
        assert {one.id for one in records} == shown and set(missing) == set(owned) - shown


async def test_what_is_not_seen_is_not_written(
    labelled: tuple[MilvusIndex, dict[str, frozenset[str]]],
) -> None:
    app, _ = labelled
    secret = labelled_record("secret", 1, frozenset({"green"}))
    await app.upsert("labelled", [Write(secret, "request", b"1")])
    with acting_as(Principal("somebody", labels=frozenset({"red"}))):
        assert (await app.delete("labelled", ["secret"])).missing == ["secret"]
        hidden = Write(labelled_record("secret", 2, frozenset({"red"})))
        foreign = Write(labelled_record("fresh", 2, frozenset({"red", "green"})))
        mine = Write(labelled_record("mine", 2, frozenset({"red"})))
        result = await app.upsert("labelled", [hidden, foreign, mine])
        assert [type(error) for error in result.errors] == [PermissionDenied, PermissionDenied, type(None)]
        _, token = await app.list_items("labelled", page_size=1)
    with acting_as(SYSTEM):
        with pytest.raises(InvalidPageToken):
            await app.list_items("labelled", page_size=1, page_token=token)
        (kept,), _ = await app.get("labelled", ["secret"])
        assert same(kept, secret)
        await app.delete("labelled", ["secret", "mine"])
