"""The index on Milvus answers as the one in a folder does: hits, counts, pages, filters, records."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import product

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.index.make import BITS, DIMENSION, PACK, all_ids, entry, opened, query, record, same
from tests.index.test_filters import ITEMS, documents, filters
from tests.milvus_server import UNHURRIED_S, MilvusProcess
from tests.support import ROOT

from scenograph.index.app import IndexApp
from scenograph.index.milvus.app import MilvusIndex
from scenograph.index.milvus.searching import SPARE
from scenograph.runtime.contracts import (
    Entry,
    Index,
    IndexAnswer,
    IndexHit,
    IndexQuery,
    JsonValue,
    Level,
    Modality,
    Record,
    Write,
)
from scenograph.scene.errors import InvalidFilter, InvalidInput, PackMismatch

Pair = tuple[MilvusIndex, IndexApp]
CHANGES = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
async def pair(milvus: MilvusProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """The same 200 items in both, some rewritten, some removed; ids with every kind of character."""
    async with opened(tmp_path_factory.mktemp("folder"), collections=["congruent"]) as folder:
        app = MilvusIndex(milvus.url, timeout_s=UNHURRIED_S, strong=False)  # reads what it wrote itself
        await app.start()
        await app.create_collection("congruent", PACK, BITS)
        for index in (app, folder):
            for start in range(0, 200, 50):
                await put(index, *(made(number) for number in range(start, start + 50)))
            await put(index, *(made(number, shift=1000) for number in range(0, 60, 7)))
            await index.delete("congruent", [made(number).id for number in range(0, 200, 9)])
            await put(index, made(9), made(18))
        yield app, folder
        await app.close()


def made(number: int, shift: int = 0) -> Record:
    names = ["plain", 'quo"te', "back\\slash", "é", "日本", "😀", "a\nb", "a\x00b", "per%cent", "'"]
    metadata: dict[str, JsonValue] = {"n": number, "half": number / 2, "even": number % 2 == 0}
    metadata["tags"] = [names[i % len(names)] for i in range(number % 4)]
    metadata["deep"] = {"name": names[number % len(names)]}
    alike = number % 50 if number < 100 else number  # the first hundred share their codes in pairs
    rec = record(f"{names[number % len(names)]}{number}", alike + shift, texts=number % 4, metadata=metadata)
    return rec


async def put(index: Index, *records: Record) -> None:
    result = await index.upsert("congruent", [Write(one) for one in records])
    assert result.errors == [None] * len(records)


def key(hit: IndexHit) -> object:
    levels = tuple(round(cosine, 6) for cosine in hit.level_cosines)
    return (
        *(hit.item_id, hit.modality, hit.ordinal, hit.hamming, hit.text, hit.graph),
        *(round(hit.cosine, 6), round(hit.distance, 9), levels),
    )


async def both(pair: Pair, asked: IndexQuery) -> IndexAnswer:
    mine = await pair[0].search("congruent", asked)
    theirs = await pair[1].search("congruent", asked)
    assert [key(hit) for hit in mine.hits] == [key(hit) for hit in theirs.hits]
    assert mine.considered == theirs.considered
    return mine


async def test_counts_and_records_are_the_same(pair: Pair) -> None:
    mine, theirs = [await index.get_collection("congruent") for index in pair]
    assert (mine.items, mine.entries, mine.bits) == (theirs.items, theirs.entries, theirs.bits)
    assert mine.items == 200 - 23 + 2
    ids = [made(number).id for number in (1, 5, 7, 12, 0, 199)] + ["nobody"]
    for brief in (False, True):
        (mine_found, mine_missing), (found, missing) = [
            await index.get("congruent", ids, brief=brief) for index in pair
        ]
        assert mine_missing == missing and "nobody" in missing
        assert [one.id for one in mine_found] == [one.id for one in found]
        assert all(same(left, right) for left, right in zip(mine_found, found, strict=True))


@pytest.mark.parametrize("modality", Modality)
@pytest.mark.parametrize("keep", [1, 20, 150, 0])
async def test_hits_are_the_same(pair: Pair, modality: Modality, keep: int) -> None:
    for seed, embedding in product(range(3), (None, entry(321).embedding)):
        asked = query(seed, embedding=embedding, modality=modality, coarse_candidates=keep, with_graphs=2)
        answer = await both(pair, asked)
        assert answer.hits[0].graph is not None


async def test_ties_at_the_last_distance_go_by_name(pair: Pair) -> None:
    code = made(3).entries[0].code
    assert code is not None
    for keep in range(1, 6):
        answer = await both(pair, replace(query(), code=code, coarse_candidates=keep))
        assert answer.hits[0].hamming == 0


async def test_weights_of_bits_and_levels(pair: Pair) -> None:
    weights = np.random.default_rng(0).random(BITS).astype(np.float32)
    levels = (Level(0, 3, ((0, 20),)), Level(3, DIMENSION, ((20, 64),)))
    vector = entry(77).embedding
    for scales, bits, keep in product([(1.0, 1.0), (0.0, 2.0), (0.5, 1.0)], (None, weights), (10, 100)):
        chosen = tuple(replace(level, scale=scale) for level, scale in zip(levels, scales, strict=True))
        for embedding in (None, vector):
            options = {"embedding": embedding, "levels": chosen, "bit_weights": bits}
            await both(pair, query(1, coarse_candidates=keep, filter="n >= 50", **options))


async def test_more_candidates_than_milvus_gives(pair: Pair) -> None:
    answer = await both(pair, query(5, coarse_candidates=50_000, exact=True))
    assert len(answer.hits) == answer.considered


async def test_pages_are_the_same(pair: Pair) -> None:
    for filter, size in product(("", "even = true", 'tags : "é"', "n = -1"), (1000, 17)):
        mine, theirs = [await all_ids(index, "congruent", filter, size) for index in pair]  # type: ignore[arg-type]
        assert mine == theirs


async def test_a_list_is_of_its_first_page(pair: Pair) -> None:
    app = pair[0]
    await app.create_collection("growing", PACK, BITS)
    await app.upsert("growing", [Write(record(f"a{number}", number)) for number in range(5)])
    page, token = await app.list_items("growing", page_size=2)
    await app.upsert("growing", [Write(record(name, 7)) for name in ("later", "a0", "a3")])
    await app.delete("growing", ["a4"])
    found = [one.id for one in page]
    while token:
        page, token = await app.list_items("growing", page_size=2, page_token=token)
        found += [one.id for one in page]
    assert found == ["a0", "a1", "a2", "a3"], "rewriting keeps the place; what came later is not listed"
    await app.delete_collection("growing")


@pytest.fixture(scope="module")
async def filtered(milvus: MilvusProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Documents made for filters, in both."""
    found: list[dict[str, JsonValue]] = []

    @settings(deadline=None, max_examples=60, derandomize=True, database=None)
    @given(documents)
    def collect(document: dict[str, JsonValue]) -> None:
        found.append(document)

    collect()
    items = [*ITEMS, *((f"g{number}", document) for number, document in enumerate(found))]
    guide = (ROOT / "docs" / "guides" / "filters.md").read_text(encoding="utf-8")
    lines = [line for line in guide.splitlines() if line.startswith('{"id"')]
    items += [("guide " + one["id"], one["metadata"]) for one in map(msgspec.json.decode, lines)]
    records = [record(item, 1, 0, dict(metadata)) for item, metadata in items]
    async with opened(tmp_path_factory.mktemp("filtered"), collections=["filtered"]) as folder:
        app = MilvusIndex(milvus.url, timeout_s=UNHURRIED_S, strong=False)
        await app.start()
        await app.create_collection("filtered", PACK, BITS)
        for index in (app, folder):
            result = await index.upsert("filtered", [Write(one) for one in records])
            assert result.errors == [None] * len(records)
        yield app, folder
        await app.close()


@settings(CHANGES, max_examples=200)
@given(filters)
async def test_filters_mean_the_same(filtered: Pair, text: str) -> None:
    await same_passing(filtered, text)


@pytest.mark.parametrize(
    "text",
    [
        *("year >= 2020", 'tag > "beach"', 'tag = "quo\\"te"', 'line = "a\nb"', "n >= 1e300", "hidden = 1"),
        *("NOT hidden = true", "note = null", "note:*", "tags:*", 'tags : "dog"', "tags : 1", "tags : null"),
        *('camera : "make"', "camera.iso < 200", 'people.name : "Bo"', 'id > "d"', "id:*", '"id" = "a"'),
        *('"odd key" = 1', "year < 2020 OR NOT (tags : true)", "year = -1", 'id = "é\'\\"\\\\"', 'tag >= ""'),
        "NOT " * 31 + "year = 2020",
        " AND ".join(f"(year != {number} OR year <= {number}.5)" for number in range(100)),
    ],
)
async def test_the_filters_of_the_guide(filtered: Pair, text: str) -> None:
    await same_passing(filtered, text)


async def same_passing(filtered: Pair, text: str) -> None:
    mine, theirs = [await all_ids(index, "filtered", text) for index in filtered]  # type: ignore[arg-type]
    assert mine == theirs, text


async def test_what_is_refused_is_the_same(pair: Pair) -> None:
    wrong: list[tuple[IndexQuery, type[Exception]]] = [
        (replace(query(), pack_version="other@1"), PackMismatch),
        (replace(query(), code=np.zeros(4, np.uint8)), InvalidInput),
        (query(embedding=np.zeros(3, np.float32)), InvalidInput),
        (query(filter="a = "), InvalidFilter),
        (query(coarse_candidates=-1), InvalidInput),
    ]
    for asked, kind in wrong:
        for index in pair:
            with pytest.raises(kind):
                await index.search("congruent", asked)


@pytest.mark.parametrize("bits", [128, 256])
async def test_longer_codes_and_no_embeddings(pair: Pair, bits: int) -> None:
    name = f"long-{bits}"
    random = np.random.default_rng(bits)
    codes = random.integers(0, 256, (SPARE + 40, bits // 8), dtype=np.uint8)
    codes[5:] = codes[5]  # more of one distance than a search asks for beyond what it keeps
    records = [
        Record(f"i{number:03}", (Entry(Modality.IMAGE, code=code),), PACK)
        for number, code in enumerate(codes)
    ]
    answers = []
    for index in pair:
        await index.create_collection(name, PACK, bits)
        await index.upsert(name, [Write(one) for one in reversed(records)])
        asked = IndexQuery(codes[5], bits, PACK, coarse_candidates=8, embedding=np.ones(4, np.float32))
        answer = await index.search(name, replace(asked, embedding=None))
        answers.append([(hit.item_id, hit.hamming) for hit in answer.hits])
        await index.delete_collection(name)
    assert answers[0] == answers[1]
    assert [item for item, _ in answers[0]] == [f"i{number:03}" for number in range(5, 13)]
