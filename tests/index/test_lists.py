"""The index of large collections: what it finds beside exact search, and that it follows what is written."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.index.make import PACK, opened

from scenograph.index import upkeep
from scenograph.index.app import IndexApp
from scenograph.index.building import Progress, build
from scenograph.index.draft import Draft, compacted
from scenograph.index.limits import Limits
from scenograph.index.lists_file import read_lists, write_lists
from scenograph.index.masks import Wanted, wanted_rows
from scenograph.index.searching import nearest, ranked
from scenograph.index.table import Rows, Table, View, empty_view
from scenograph.runtime.contracts import (
    CodeArray,
    Entry,
    IndexAnswer,
    IndexQuery,
    Modality,
    Record,
    SearchIndex,
    SearchKind,
    Write,
)
from scenograph.runtime.principal import Principal, acting_as
from scenograph.runtime.vault import Vault

BITS = 256
ITEMS = 3000
LARGE = Limits(exact_up_to=1000, recall=0.95)
FOLDERS = tempfile.TemporaryDirectory(prefix="scenograph-tests-")


def clustered(number: int, seed: int = 0) -> CodeArray:
    """Codes in 6 groups, a tenth of whose bits differ from the group's middle.  Shape: (number, 32)."""
    random, middles = np.random.default_rng(seed), np.random.default_rng(7)
    groups = middles.integers(0, 256, (6, BITS // 8), dtype=np.uint8)
    turned = np.packbits(random.random((number, BITS)) < 0.1, axis=1)
    return groups[random.integers(6, size=number)] ^ turned


def made_of(codes: CodeArray) -> View:
    """Items of one entry each, images and texts in turn."""
    size = len(codes)
    draft = Draft(empty_view(Table(Path(tempfile.mkdtemp(dir=FOLDERS.name)) / "1", BITS, 0), 1))
    nothing = np.zeros((size, 0), np.float32)
    modality = np.where(np.arange(size) % 2, Modality.TEXT, Modality.IMAGE).astype(np.uint8)
    rows = Rows(modality, np.zeros(size, np.int32), np.arange(1, size + 1), codes, nothing, [""] * size)
    names = [f"i{number:05}" for number in range(size)]
    draft.append(names, [b"{}"] * size, [b""] * size, np.arange(size), np.ones(size, np.int64), rows)
    return draft.view(1)


@pytest.fixture(scope="module")
def view() -> View:
    view = made_of(clustered(8000))
    view.table.lists = build(view, 0.95)
    return view


def recall(view: View, wanted: Wanted, keep: int) -> tuple[float, float]:
    """The share of the nearest found for queries of no item, on average; the share of searches by lists."""
    shares, partly = [], []
    for code in clustered(40, seed=1):
        found = nearest(view, code, wanted, keep, exact=False)
        exact = nearest(view, code, wanted, keep, exact=True)
        assert not exact.partly and len(found.rows) == len(exact.rows) == keep
        shares.append(np.mean(np.sort(found.distances) <= exact.distances.max()))
        partly.append(found.partly)
    return float(np.mean(shares)), float(np.mean(partly))


@pytest.mark.parametrize("keep", [1, 100, 300])
@pytest.mark.parametrize("modality", Modality)
def test_lists_find_what_was_asked_of_them(view: View, keep: int, modality: Modality) -> None:
    lists = view.table.lists
    assert lists is not None and lists.recall >= 0.95 and lists.measured >= 300
    found, partly = recall(view, wanted_rows(view, None, modality), keep)
    assert found >= 0.95 and partly == 1


def test_a_recall_that_needs_more_lists_has_more_looked_through(view: View) -> None:
    lists = view.table.lists
    assert lists is not None
    low, high = dict(build(view, 0.5).probes), dict(lists.probes)
    assert low[100] < high[100] < len(lists.centres)
    assert [number for _, number in lists.probes] == sorted(number for _, number in lists.probes)


def test_with_a_filter_more_lists_are_looked_through(view: View) -> None:
    random = np.random.default_rng(2)
    passing = random.random(view.slots) < 0.3
    found, partly = recall(view, wanted_rows(view, passing, Modality.UNSPECIFIED), 100)
    assert found >= 0.95 and partly == 1


@pytest.mark.parametrize(("share", "keep"), [(0.01, 50), (0.3, 2000)])
def test_where_few_pass_or_many_are_kept_every_entry_is_looked_at(
    view: View, share: float, keep: int
) -> None:
    passing = np.random.default_rng(2).random(view.slots) < share
    assert recall(view, wanted_rows(view, passing, Modality.UNSPECIFIED), keep) == (1, 0)


def test_uniform_codes_have_no_lists_worth_looking_through() -> None:
    """Nothing is near anything: the recall asked for is kept by looking at every entry."""
    view = made_of(np.random.default_rng(0).integers(0, 256, (4000, BITS // 8), dtype=np.uint8))
    lists = view.table.lists = build(view, 0.97)
    assert lists.probes == ()
    assert recall(view, wanted_rows(view, None, Modality.UNSPECIFIED), 100) == (1, 0)


def test_lists_of_all_centres_rank_as_exact_search_does(view: View) -> None:
    """Ties and all: only which rows are looked at differs."""
    lists = view.table.lists
    assert lists is not None
    few = made_of(clustered(600) & np.uint8(3))
    whole = build(few, 0.95)
    few.table.lists = replace(whole, probes=((10_000, len(whole.centres)),))
    wanted = wanted_rows(few, None, Modality.UNSPECIFIED)
    for code in clustered(20, seed=3):
        found = ranked(few, nearest(few, code, wanted, 50, exact=False))
        exact = ranked(few, nearest(few, code, wanted, 50))
        assert found.partly and np.array_equal(found.rows, exact.rows)
        assert np.array_equal(found.distances, exact.distances)


def test_lists_are_kept_and_read_whole_or_not_at_all(view: View) -> None:
    lists = view.table.lists
    table = view.table
    assert lists is not None and table.folder is not None
    write_lists(table.folder, lists)
    again = read_lists(table, view.rows)
    assert again is not None and again.probes == lists.probes and again.recall == lists.recall
    assert np.array_equal(again.order, lists.order) and np.array_equal(again.codes, lists.codes)
    assert np.array_equal(again.centres, lists.centres)
    assert read_lists(table, view.rows - 1) is None
    content = (table.folder / "lists").read_bytes()
    for torn in (content[:-1], b"", content[:100] + b"\0" + content[101:]):
        (table.folder / "lists").write_bytes(torn)
        assert read_lists(table, view.rows) is None


def test_lists_outlive_compaction(tmp_path: Path) -> None:
    whole = made_of(clustered(4000))
    whole.table.lists = build(whole, 0.95)
    draft = Draft(whole)
    for number in range(1, 3000, 2):
        draft.remove(number)
    view = compacted(draft.view(2), tmp_path / "2")
    lists = view.table.lists
    assert lists is not None and lists.rows == view.rows == 2500
    assert sorted(lists.order.tolist()) == list(range(2500))
    found, partly = recall(view, wanted_rows(view, None, Modality.UNSPECIFIED), 100)
    assert found >= 0.93 and partly == 1


def test_later_rows_are_put_to_the_centres_there_are() -> None:
    codes = clustered(4000)
    whole = made_of(codes)
    first = build(made_of(codes[:3000]), 0.95)
    lists = build(whole, 0.95, first)
    assert np.array_equal(lists.centres, first.centres) and sorted(lists.order.tolist()) == list(range(4000))
    assert not np.array_equal(build(whole, 0.95, build(made_of(codes[:1500]), 0.95)).centres, first.centres)


# What follows goes through the service's own interface.


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[IndexApp]:
    monkeypatch.setattr(upkeep, "EVERY_S", 0.02)
    async with opened(tmp_path / "index", LARGE) as index:
        await index.create_collection("photos", PACK, BITS)
        await _write(index, clustered(ITEMS))
        await _listed(index)
        yield index


async def _write(app: IndexApp, codes: CodeArray, first: int = 0) -> None:
    records = [
        Record(
            f"i{number:05}",
            (Entry(Modality.IMAGE, 0, "", None, np.ones(2, np.float32), code, 1, 1),),
            PACK,
            {"even": number % 2 == 0, "number": number},
            access_labels=("team",) if number % 3 == 2 else (),
        )
        for number, code in enumerate(codes, first)
    ]
    for start in range(0, len(records), 1000):
        await app.upsert("photos", [Write(one) for one in records[start : start + 1000]])


async def _listed(app: IndexApp, entries: int = ITEMS) -> None:
    for _ in range(1000):
        if (await app.get_collection("photos")).search_index.entries >= entries:
            return
        await asyncio.sleep(0.02)
    pytest.fail("no lists were made")


async def _search(app: IndexApp, code: CodeArray, *, exact: bool = False, filter: str = "") -> IndexAnswer:
    asked = IndexQuery(code, BITS, PACK, coarse_candidates=20, exact=exact, filter=filter)
    return await app.search("photos", asked)


def _found(answer: IndexAnswer) -> list[tuple[str, int]]:
    return [(hit.item_id, hit.hamming) for hit in answer.hits]


async def test_a_large_collection_says_how_it_is_searched(app: IndexApp) -> None:
    index = (await app.get_collection("photos")).search_index
    assert index.kind == SearchKind.LISTS and index.recall >= 0.9 and index.entries == ITEMS
    answer = await _search(app, clustered(1, 5)[0])
    assert answer.searched == index and answer.considered == ITEMS
    exact = await _search(app, clustered(1, 5)[0], exact=True)
    assert exact.searched.kind == SearchKind.EXACT and exact.searched.recall == 1


async def test_what_is_written_is_found_at_once_and_what_is_removed_is_not(app: IndexApp) -> None:
    code = np.random.default_rng(11).integers(0, 256, BITS // 8, dtype=np.uint8)  # far from all
    await _write(app, code[None], first=90_000)
    assert _found(await _search(app, code))[0] == ("i90000", 0)
    old = clustered(ITEMS)[4]
    assert ("i00004", 0) in _found(await _search(app, old))
    await _write(app, code[None], first=4)
    assert ("i00004", 0) in _found(await _search(app, code))
    assert "i00004" not in dict(_found(await _search(app, old)))
    await app.delete("photos", ["i00004", "i90000"])
    assert not {"i00004", "i90000"} & dict(_found(await _search(app, code))).keys()


async def test_filters_hold(app: IndexApp) -> None:
    for code in clustered(10, seed=8):
        answer = await _search(app, code, filter="even = true")
        assert len(answer.hits) == 20 and all(int(hit.item_id[1:]) % 2 == 0 for hit in answer.hits)
        few = await _search(app, code, filter="number < 60")
        assert few.searched.kind == SearchKind.EXACT and few.considered == 60
        assert _found(few) == _found(await _search(app, code, filter="number < 60", exact=True))


async def test_access_labels_hold(app: IndexApp) -> None:
    """The answer is found among what the caller sees, as many as are asked for, and tells no counts."""
    with acting_as(Principal("stranger")):
        described = await app.get_collection("photos")
        assert described.items == described.entries == ITEMS * 2 // 3
        assert (described.search_index.entries, described.search_index.lists) == (0, 0)
        shares = []
        for code in clustered(10, seed=8):
            answer, exact = await _search(app, code), await _search(app, code, exact=True)
            assert answer.considered == exact.considered == described.items
            assert answer.searched == described.search_index and exact.searched == SearchIndex()
            for found in (answer, exact):
                assert len(found.hits) == 20 and all(int(hit.item_id[1:]) % 3 != 2 for hit in found.hits)
            last = max(hit.hamming for hit in exact.hits)
            shares.append(np.mean([hit.hamming <= last for hit in answer.hits]))
        assert np.mean(shares) >= 0.9


async def test_an_encrypted_collection_has_its_lists_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "EVERY_S", 0.02)
    async with opened(tmp_path, LARGE, vault=Vault([bytes(32)])) as app:
        await app.create_collection("photos", PACK, BITS)
        await _write(app, clustered(ITEMS))
        await _listed(app)
        code = clustered(1, 5)[0]
        assert (await _search(app, code)).searched.kind == SearchKind.LISTS
        await app.delete("photos", [item for item, _ in _found(await _search(app, code))])
        assert len(_found(await _search(app, code))) == 20
        assert not _kept(tmp_path)


async def test_lists_follow_a_growing_collection(app: IndexApp) -> None:
    await _write(app, clustered(ITEMS, seed=4), first=ITEMS)
    await _listed(app, 2 * ITEMS)
    shares = []
    for code in clustered(20, seed=9):
        exact = dict(_found(await _search(app, code, exact=True)))
        found = _found(await _search(app, code))
        shares.append(np.mean([bits <= max(exact.values()) for _, bits in found]))
    assert np.mean(shares) >= 0.9


async def test_snapshots_are_restored_and_searched_in_part(app: IndexApp) -> None:
    code = clustered(1, 5)[0]
    before = _found(await _search(app, code, exact=True))
    await app.create_snapshot("photos", "kept")
    await app.delete("photos", [item for item, _ in before])
    await app.restore_snapshot("kept")
    assert _found(await _search(app, code, exact=True)) == before
    await _listed(app)
    assert (await _search(app, code)).searched.kind == SearchKind.LISTS


async def test_lists_are_there_after_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: IndexApp
) -> None:
    code = clustered(1, 5)[0]
    before, index = _found(await _search(app, code)), (await app.get_collection("photos")).search_index
    for _ in range(500):
        if _kept(tmp_path):
            break
        await asyncio.sleep(0.02)
    await app.close()

    def refused(*args: object, **options: object) -> None:
        raise AssertionError("they were made anew")

    monkeypatch.setattr(upkeep, "build", refused)
    async with opened(tmp_path / "index", LARGE) as again:
        assert (await again.get_collection("photos")).search_index == index
        assert _found(await _search(again, code)) == before
    async with opened(tmp_path / "index") as small:  # with the default limit it is no large collection
        assert (await small.get_collection("photos")).search_index.kind == SearchKind.EXACT


def _kept(folder: Path) -> bool:
    return any(folder.glob("index/collections/photos/*.columns/*/lists"))


async def test_an_end_does_not_wait_for_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a search: every entry is looked at until they are made."""
    waiting = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(view: View, share: float, earlier: object, progress: Progress) -> None:
        loop.call_soon_threadsafe(waiting.set)
        while True:
            progress("waited", 0, 1)

    monkeypatch.setattr(upkeep, "build", endless)
    async with opened(tmp_path, LARGE) as app:
        await app.create_collection("photos", PACK, BITS)
        await _write(app, clustered(ITEMS))
        await asyncio.wait_for(waiting.wait(), 30)
        answer = await _search(app, clustered(1, 5)[0])
        assert answer.searched.kind == SearchKind.EXACT and len(answer.hits) == 20
        await _write(app, clustered(1), first=90_000)
    async with opened(tmp_path) as app:
        assert (await app.get_collection("photos")).entries == ITEMS + 1
