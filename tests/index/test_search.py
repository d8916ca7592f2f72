"""Search against an oracle that knows nothing of FAISS: numpy XOR and popcount, and sorting tuples."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.index.make import BITS, PACK, graph, opened, put, query, record

from scenograph.index import masks, searching
from scenograph.index.app import IndexApp
from scenograph.index.draft import Draft, compacted
from scenograph.index.table import Rows, Table, View, empty_view
from scenograph.runtime.contracts import CodeArray, Entry, FloatArray, IndexQuery, Level, Modality, Record
from scenograph.scene.errors import CollectionNotFound, InvalidFilter, InvalidInput, PackMismatch

FOLDERS = tempfile.TemporaryDirectory(prefix="scenograph-tests-")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[IndexApp]:
    async with opened(tmp_path, collections=["photos"]) as index:
        yield index


def oracle(view: View, query: IndexQuery, passing: set[int] | None) -> list[tuple[str, int, int, int, float]]:
    """(id, modality, ordinal, bits that differ, cosine) of every hit, best first, row by row."""
    found = []
    table = view.table
    for row in range(view.rows):
        slot = int(table.slot.data[row])
        modality = int(table.modality.data[row])
        if not view.live_rows[row] or (passing is not None and slot not in passing):
            continue
        if query.modality in (Modality.UNSPECIFIED, modality):
            bits = np.unpackbits(table.codes.data[row] ^ query.code)
            share = _share(bits, query.levels)
            key = (share, table.ids[slot], modality, int(table.ordinal.data[row]))
            found.append((*key, int(bits.sum()), row))
    found = sorted(found)[: query.coarse_candidates]
    hits = [(item, modality, ordinal, bits, 0.0) for _, item, modality, ordinal, bits, _ in found]
    if query.embedding is not None:
        vectors = [table.embeddings.data[row] for *_, row in found]
        cosines = [_cosine(vector, query.embedding, query.levels) for vector in vectors]
        hits = [(*hit[:4], cosine) for hit, cosine in zip(hits, cosines, strict=True)]
        hits.sort(key=lambda hit: (-hit[4], hit[0], hit[1], hit[2]))
    return hits


def _share(differing: CodeArray, levels: Sequence[Level]) -> float:
    """The share of differing bits (bits,), bit by bit; each counts with its level's scale."""
    scales = [0.0] * len(differing)
    for level in levels:
        for start, stop in level.bits:
            for bit in range(start, min(stop, len(differing))):
                scales[bit] = level.scale
    if not any(scales) or all(level.scale == 1 for level in levels):
        scales = [1.0] * len(differing)
    return sum(s for s, bit in zip(scales, differing.tolist(), strict=True) if bit) / sum(scales)


def _cosine(left: FloatArray, right: FloatArray, levels: Sequence[Level]) -> float:
    a, b = left.astype(np.float64), right.astype(np.float64)
    sizes = float(np.linalg.norm(a) * np.linalg.norm(b))
    if all(level.scale == 1 for level in levels):
        product = a @ b
    else:
        product = sum(level.scale * (a[k] * b[k]) for level in levels for k in range(level.start, level.stop))
    return float(np.float32(np.clip(product / sizes, -1, 1))) if sizes else 0.0


# Halves, so that sums are exact in any order.
scales = st.sampled_from([0.0, 0.5, 1.0, 2.0])


@st.composite
def levels_of(draw: st.DrawFn) -> tuple[Level, ...]:
    """No level, or three of one component each, with bits in byte ranges and across them."""
    if draw(st.booleans()):
        return ()
    chosen = draw(st.lists(scales, min_size=3, max_size=3).filter(any))
    bits = [((0, 40), (64, 130)), ((40, 50), (130, 200)), ((50, 64), (200, 256))]
    return tuple(Level(k, k + 1, bits[k], scale) for k, scale in enumerate(chosen))


@st.composite
def views(draw: st.DrawFn) -> View:
    """A table of few ids, codes and embeddings, so that ties abound; some removed, some compacted."""
    bits, dimension = draw(st.sampled_from([64, 128, 256])), 3
    folder = Path(tempfile.mkdtemp(dir=FOLDERS.name))
    draft = Draft(empty_view(Table(folder / "1", bits, dimension), 1))
    entries: dict[str, int] = {}
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread = draw(st.sampled_from([1, 3, 256]))
    for number in range(draw(st.integers(0, 40))):
        count = draw(st.integers(1, 3))
        rows = Rows(
            np.array([1, 2, 2][:count], np.uint8),
            np.array([0, 0, 1][:count], np.int32),
            np.arange(number * 3, number * 3 + count),
            random.integers(0, spread, (count, bits // 8), dtype=np.uint8),
            random.integers(-1, 2, (count, dimension)).astype(np.float32),
            [f"text {number}"] * count,
        )
        item = f"i{draw(st.integers(0, 30))}"
        gone = {item, f"i{draw(st.integers(0, 30))}"} if draw(st.integers(0, 4)) == 0 else {item}
        for other in gone & entries.keys():
            draft.remove(entries.pop(other))
        draft.put(item, number, b"{}", b"", rows)
        entries[item] = number * 3
    view = draft.view(2)
    assert view.items == len(entries) == np.count_nonzero(view.live_slots)
    assert view.entries == np.count_nonzero(view.live_rows)
    return compacted(view, folder / "2") if draw(st.booleans()) else view


@settings(deadline=None, max_examples=150)
@given(views(), st.data())
def test_search_equals_the_oracle(view: View, data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    asked = IndexQuery(
        random.integers(0, 256, view.table.bits // 8, dtype=np.uint8),
        view.table.bits,
        PACK,
        random.integers(-2, 3, 3).astype(np.float32) if data.draw(st.booleans()) else None,
        data.draw(st.sampled_from(Modality)),
        coarse_candidates=data.draw(st.integers(1, 60)),
        levels=data.draw(levels_of()),
    )
    slots = data.draw(st.none() | st.sets(st.integers(0, max(view.slots - 1, 0))))
    passing = None
    if slots is not None:
        passing = np.zeros(view.slots, bool)
        passing[[slot for slot in slots if slot < view.slots]] = True
    wanted = masks.wanted_rows(view, passing, asked.modality)
    found = searching.nearest(view, asked.code, wanted, asked.coarse_candidates, asked.levels)
    cosines = np.zeros(len(found.rows), np.float32)
    if asked.embedding is None:
        found = searching.ranked(view, found)
    if asked.embedding is not None:
        found, cosines, own = searching.rescored(view, found, asked.embedding, asked.levels)
        assert own.shape == (len(found.rows), len(asked.levels))
    hits = [
        (
            view.table.ids[view.table.slot.data[row]],
            int(view.table.modality.data[row]),
            int(view.table.ordinal.data[row]),
            int(distance),
            float(cosine),
        )
        for row, distance, cosine in zip(found.rows, found.distances, cosines, strict=True)
    ]
    assert hits == oracle(view, asked, slots)
    assert found.considered == int(np.count_nonzero(wanted.rows))


def test_few_wanted_rows_are_searched_as_all_are(tmp_path: Path) -> None:
    """Both ways of looking, gathered codes and all codes, give the same; the share of rows decides which is
    used.
    """
    random = np.random.default_rng(7)
    table = Table(tmp_path / "1", 64, 0)
    draft = Draft(empty_view(table, 1))
    for number in range(500):
        codes = random.integers(0, 256, (1, 8), dtype=np.uint8)
        one = np.array([number])
        none = np.zeros(1, np.int32)
        rows = Rows(none.astype(np.uint8), none, one, codes, np.zeros((1, 0), np.float32), ["x"])
        draft.put(f"{number:03}", number, b"{}", b"", rows)
    view = draft.view(2)
    asked = IndexQuery(random.integers(0, 256, 8, dtype=np.uint8), 64, PACK, coarse_candidates=10)
    for share in (1, 5, 24, 25, 26, 499, 500):
        chosen = np.zeros(500, bool)
        chosen[random.permutation(500)[:share]] = True
        found = searching.ranked(view, searching.nearest(view, asked.code, masks.Wanted(chosen, share), 10))
        expected = oracle(view, asked, set(np.flatnonzero(chosen).tolist()))
        ids = [table.ids[table.slot.data[row]] for row in found.rows]
        assert ids == [hit[0] for hit in expected] and found.considered == share


async def test_bits_count_by_their_weights_among_those_kept(app: IndexApp) -> None:
    await put(app, *(record(f"i{number:02}", number) for number in range(50)))
    asked = query(seed=3, coarse_candidates=20)
    plain = await app.search("photos", asked)
    sure = np.random.default_rng(0).random(BITS).astype(np.float32)
    found = await app.search("photos", replace(asked, bit_weights=sure))
    names, before = ([(hit.item_id, hit.modality, hit.ordinal) for hit in one.hits] for one in (found, plain))
    assert sorted(names) == sorted(before) and names != before
    records, _ = await app.get("photos", [hit.item_id for hit in found.hits])
    codes = {
        (one.id, entry.modality, entry.ordinal): np.asarray(entry.code)
        for one in records
        for entry in one.entries
    }
    shares = [float(np.unpackbits(codes[name] ^ asked.code) @ sure / sure.sum()) for name in names]
    assert [hit.distance for hit in found.hits] == pytest.approx(shares) and shares == sorted(shares)
    hamming = [int(np.bitwise_count(codes[name] ^ asked.code).sum()) for name in names]
    assert [hit.hamming for hit in found.hits] == hamming


async def test_hits_are_ranked_by_distance_then_by_cosine(app: IndexApp) -> None:
    await put(app, *(record(f"i{number:02}", number) for number in range(50)))
    near = await app.search("photos", query(5, coarse_candidates=20))
    assert len(near.hits) == 20 and near.considered == 100
    assert [hit.hamming for hit in near.hits] == sorted(hit.hamming for hit in near.hits)
    vector = np.ones(8, np.float32)
    refined = await app.search("photos", query(5, coarse_candidates=20, embedding=vector))
    assert {(h.item_id, h.modality) for h in refined.hits} == {(h.item_id, h.modality) for h in near.hits}
    assert [hit.cosine for hit in refined.hits] == sorted((hit.cosine for hit in refined.hits), reverse=True)
    assert set(refined.timings) == {"queue", "filter", "hamming", "cosine", "read"}


async def test_the_first_hits_carry_their_graphs_and_all_their_texts(app: IndexApp) -> None:
    await put(app, *(record(f"i{number}", number) for number in range(5)))
    answer = await app.search("photos", query(3, with_graphs=4))
    assert [hit.graph is not None for hit in answer.hits] == [True] * 4 + [False] * 6
    for hit in answer.hits:
        number = int(hit.item_id[1:])
        shift = 0 if hit.modality == Modality.IMAGE else 1
        assert hit.graph in (None, graph(f"thing{number * 100 + shift}"))
        assert hit.text == (f"text 0 of {number}" if shift else "")


async def test_filter_and_modality_work_inside_the_search(app: IndexApp) -> None:
    await put(app, *(record(f"i{n:03}", n, metadata={"even": n % 2 == 0}) for n in range(200)))
    answer = await app.search(
        "photos", query(1, coarse_candidates=100, filter="even = true", modality=Modality.TEXT)
    )
    assert answer.considered == 100 and len(answer.hits) == 100
    assert all(int(hit.item_id[1:]) % 2 == 0 and hit.modality == Modality.TEXT for hit in answer.hits)
    one = await app.search("photos", query(1, filter='id = "i007"'))
    assert [hit.item_id for hit in one.hits] == ["i007"] * 2
    none = await app.search("photos", query(1, filter="even = 1", embedding=np.ones(8, np.float32)))
    assert (none.hits, none.considered) == ([], 0)


async def test_a_filter_follows_every_change(app: IndexApp) -> None:
    """What a filter let through is remembered for one version only."""

    async def found() -> list[str]:
        answer = await app.search("photos", query(1, filter="n > 1", modality=Modality.IMAGE))
        return sorted(hit.item_id for hit in answer.hits)

    await put(app, *(record(f"i{n}", n, metadata={"n": n}) for n in range(4)))
    assert await found() == ["i2", "i3"]
    await put(app, record("i0", 0, metadata={"n": 9}), record("i4", 4, metadata={"n": 4}))
    assert await found() == ["i0", "i2", "i3", "i4"]
    await app.delete("photos", ["i2"])
    await put(app, record("i3", 3, metadata={"n": 0}))
    assert await found() == ["i0", "i4"]


async def test_searches_stay_right_through_compaction(app: IndexApp) -> None:
    for turn in range(30):
        await put(app, *(record(f"i{n}", n + turn, metadata={"turn": turn}) for n in range(60)))
    await app.delete("photos", [f"i{n}" for n in range(50)])
    answer = await app.search("photos", query(1, filter="turn = 29", with_graphs=100))
    assert answer.considered == 20
    assert {hit.item_id for hit in answer.hits} == {f"i{n}" for n in range(50, 60)}
    for hit in answer.hits:
        if hit.modality == Modality.TEXT:
            assert hit.text == f"text 0 of {int(hit.item_id[1:]) + 29}"
    store = app._opened.store("photos")
    assert store.reader.view.holes < 2000 and len(store.reader.view.table.ids) < 1800


async def test_wrong_searches_are_refused(app: IndexApp) -> None:
    with pytest.raises(CollectionNotFound):
        await app.search("nowhere", query())
    wrong = [
        (IndexQuery(np.zeros(16, np.uint8), 128, PACK), InvalidInput),
        (IndexQuery(np.zeros(8, np.uint8), 128, PACK), InvalidInput),
        (IndexQuery(np.zeros(8, np.uint8), BITS, ""), InvalidInput),
        (IndexQuery(np.zeros(8, np.uint8), BITS, "default@2"), PackMismatch),
        (IndexQuery(np.zeros(8, np.uint8), BITS, PACK, bit_weights=np.ones(8, np.float32)), InvalidInput),
        (IndexQuery(np.zeros(8, np.uint8), BITS, PACK, bit_weights=np.zeros(BITS, np.float32)), InvalidInput),
        (IndexQuery(np.zeros(8, np.uint8), BITS, PACK, bit_weights=-np.ones(BITS, np.float32)), InvalidInput),
        (query(coarse_candidates=100_001), InvalidInput),
        (query(coarse_candidates=-1), InvalidInput),
        (query(with_graphs=-1), InvalidInput),
        (query(filter="a ="), InvalidFilter),
        (query(embedding=np.full(8, np.nan, np.float32)), InvalidInput),
    ]
    for asked, error in wrong:
        with pytest.raises(error):
            await app.search("photos", asked)
    empty = await app.search("photos", query(embedding=np.ones(5, np.float32)))
    assert (empty.hits, empty.considered) == ([], 0)
    await put(app, record("a"))
    with pytest.raises(InvalidInput):
        await app.search("photos", query(embedding=np.ones(5, np.float32)))


async def test_an_embedding_of_length_zero_has_cosine_zero(app: IndexApp) -> None:
    entry = Entry(Modality.TEXT, 0, "a", None, np.zeros(8, np.float32), np.zeros(8, np.uint8))
    await put(app, Record("a", (entry,), PACK))
    for vector in (np.ones(8, np.float32), np.zeros(8, np.float32)):
        (hit,) = (await app.search("photos", query(embedding=vector))).hits
        assert hit.cosine == 0


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=25))
async def test_any_history_leaves_what_its_last_writes_say(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[int, int]]
) -> None:
    """Writes, rewrites and removals in any order: search, get and list agree, also after a restart."""
    folder = tmp_path_factory.mktemp("history")
    expected: dict[str, int] = {}
    async with opened(folder, collections=["photos"]) as app:
        for number, kind in history:
            if kind == 0:
                await app.delete("photos", [f"i{number}"])
                expected.pop(f"i{number}", None)
            else:
                await put(app, record(f"i{number}", kind, texts=kind))
                expected[f"i{number}"] = kind
        before = await app.search("photos", query(3, with_graphs=99, embedding=np.ones(8, np.float32)))
    async with opened(folder) as app:
        after = await app.search("photos", query(3, with_graphs=99, embedding=np.ones(8, np.float32)))
        records, _ = await app.list_items("photos")
    assert [_plain(hit) for hit in after.hits] == [_plain(hit) for hit in before.hits]
    assert len(after.hits) == len(before.hits) == sum(kind + 1 for kind in expected.values())
    assert after.version == before.version
    assert {one.id: len(one.entries) - 1 for one in records} == expected


def _plain(hit: object) -> tuple[object, ...]:
    names = ("item_id", "modality", "ordinal", "hamming", "cosine", "text", "graph")
    return tuple(getattr(hit, name) for name in names)


# Three levels of unit vectors, as a pack makes embeddings: see docs/guides/ranking.md.
PARTS = ((0, 3), (3, 6), (6, 8))
WEIGHTS = (0.5, 0.3, 0.2)
BIT_PARTS = (((0, 32),), ((32, 50),), ((50, 64),))


def weighed(*shares: float) -> tuple[Level, ...]:
    """The levels with the scales that these weights give them."""
    columns = zip(PARTS, BIT_PARTS, WEIGHTS, shares, strict=True)
    return tuple(Level(*part, bits, share / sum(shares) / own) for part, bits, own, share in columns)


def levelled(random: np.random.Generator) -> tuple[FloatArray, list[FloatArray]]:
    """An embedding, and its levels' unit vectors."""
    units = []
    for start, stop in PARTS:
        vector = random.standard_normal(stop - start)
        units.append((vector / np.linalg.norm(vector)).astype(np.float32))
    scaled = [np.sqrt(weight) * unit for weight, unit in zip(WEIGHTS, units, strict=True)]
    return np.concatenate(scaled).astype(np.float32), units


async def test_levels_count_by_their_weights(app: IndexApp) -> None:
    random = np.random.default_rng(7)
    made = {f"i{number:03}": levelled(random) for number in range(120)}
    codes = {item: random.integers(0, 256, 8, dtype=np.uint8) for item in made}
    for item, (vector, _) in made.items():
        await put(app, Record(item, (Entry(Modality.IMAGE, embedding=vector, code=codes[item]),), PACK))
    vector, units = levelled(random)
    for shares in (WEIGHTS, (1, 0, 0), (0, 1, 0), (0, 0, 4), (1, 1, 1), (0, 3, 1)):
        asked = query(5, embedding=vector, levels=weighed(*shares), coarse_candidates=50)
        answer = await app.search("photos", asked)
        plain = await app.search("photos", replace(asked, levels=()))
        for hit in answer.hits:
            near = [float(mine @ own) for mine, own in zip(units, made[hit.item_id][1], strict=True)]
            assert hit.level_cosines == pytest.approx(near, abs=1e-5)
            assert hit.cosine == pytest.approx(np.average(near, weights=shares), abs=1e-5)
            differ = np.unpackbits(codes[hit.item_id] ^ asked.code)
            assert hit.hamming == differ.sum()
            bits = [int(differ[start:stop].sum()) for ((start, stop),) in BIT_PARTS]
            scales = [level.scale for level in asked.levels]
            total = sum(s * (b[0][1] - b[0][0]) for s, b in zip(scales, BIT_PARTS, strict=True))
            assert hit.distance == pytest.approx(float(np.dot(scales, bits)) / total)
        assert [hit.cosine for hit in answer.hits] == sorted((h.cosine for h in answer.hits), reverse=True)
        kept = sorted(answer.hits, key=lambda hit: (hit.distance, hit.item_id))[-1].distance
        assert len(answer.hits) == 50 and all(hit.distance <= kept for hit in answer.hits)
        if shares == WEIGHTS:
            assert [_plain(hit)[:5] for hit in answer.hits] == [_plain(hit)[:5] for hit in plain.hits]
            assert all(hit.level_cosines == () for hit in plain.hits)


async def test_weights_work_with_filters_and_one_level_is_the_ranking_by_it_alone(app: IndexApp) -> None:
    random = np.random.default_rng(8)
    units: dict[str, list[FloatArray]] = {}
    for number in range(60):
        vector, units[f"i{number:02}"] = levelled(random)
        entry = Entry(Modality.IMAGE, embedding=vector, code=random.integers(0, 256, 8, dtype=np.uint8))
        await put(app, Record(f"i{number:02}", (entry,), PACK, {"even": number % 2 == 0}))
    vector, mine = levelled(random)
    asked = query(5, embedding=vector, levels=weighed(0, 1, 0), filter="even = true")
    answer = await app.search("photos", asked)
    even = [item for item in units if int(item[1:]) % 2 == 0]
    by_objects = sorted(even, key=lambda item: -float(mine[1] @ units[item][1]))
    assert [hit.item_id for hit in answer.hits] == by_objects and answer.considered == 30


async def test_wrong_levels_are_refused(app: IndexApp) -> None:
    await put(app, record("a"))
    wrong: list[tuple[tuple[Level, ...], str]] = [
        ((Level(0, 9, ()),), "levels[0]"),
        ((Level(3, 3, ()),), "levels[0]"),
        ((Level(0, 3, ()), Level(-1, 3, ())), "levels[1]"),
        ((Level(0, 3, ((0, 300),)),), "levels[0].bits"),
        ((Level(0, 3, ((7, 7),)),), "levels[0].bits"),
        ((Level(0, 3, (), -1.0),), "levels[0].scale"),
        ((Level(0, 3, (), float("nan")),), "levels[0].scale"),
        ((Level(0, 3, (), 0.0),), "levels"),
        ((Level(0, 3, ()),) * 17, "levels"),
    ]
    for levels, field in wrong:
        with pytest.raises(InvalidInput) as caught:
            await app.search("photos", query(levels=levels))
        assert caught.value.violations[0].field == field
