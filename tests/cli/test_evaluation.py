"""Ranks become recalls, held against a slow, obvious count; what one search answers, many would too."""

from __future__ import annotations

import asyncio
import json
import random
from functools import partial
from pathlib import Path

import grpc
import pytest
from tests.client.faulty import Gateway, served

from scenograph.cli.app import run
from scenograph.cli.evaluation import check_stages, score
from scenograph.cli.evaluation_searches import Found, Search, of_photo, run_together
from scenograph.cli.exhaustive import EVERY, GRAPHS, Key, Tops, beside, spread
from scenograph.cli.server_process import ServerProcess
from scenograph.cli.ways import Way, ablations, passes, rankings, stage_ways
from scenograph.client import AsyncClient, Item
from scenograph.client.arguments import SearchArguments
from scenograph.v1 import gateway_pb2


async def _nothing() -> Found:
    return {}


def test_recalls_equal_a_count() -> None:
    chance = random.Random(1)
    names = [f"p{n}" for n in range(50)]
    searches = [Search({chance.choice(names)}, _nothing) for _ in range(301)]
    found = [chance.sample(names, 40) for _ in searches]
    row = score("text to image", "graph", searches, [{"graph": each, "float": []} for each in found])
    places = [
        [name in search.right for name in list_].index(True) + 1 if search.right & set(list_) else 1000
        for search, list_ in zip(searches, found, strict=True)
    ]
    for k, recall in ((1, row.recall_at_1), (5, row.recall_at_5), (10, row.recall_at_10)):
        assert recall == pytest.approx(sum(place <= k for place in places) / 301)
    assert row.median_rank == sorted(places)[150] and row.queries == 301


def test_a_median_that_was_not_found_is_not_told() -> None:
    searches = [Search({"a"}, _nothing) for _ in range(3)]
    found: list[Found] = [{"graph": []}, {"graph": ["b"]}, {"graph": ["a"]}]
    assert score("text to image", "graph", searches, found).median_rank is None


async def test_searches_run_together_but_not_all_at_once() -> None:
    under_way, most, done = 0, 0, 0

    async def look(name: str) -> Found:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return {"graph": [name]}

    def count() -> None:
        nonlocal done
        done += 1

    searches = [Search(set(), partial(look, str(n))) for n in range(40)]
    found = await run_together(searches, 4, count)
    assert found == [{"graph": [str(n)]} for n in range(40)] and most == 4 and done == 40


def test_stages() -> None:
    assert check_stages(["graph", "coarse"]) == ["graph", "coarse"]
    with pytest.raises(ValueError, match="coarse, float, graph"):
        check_stages(["fine"])


def test_ways_share_what_they_can() -> None:
    ways = [*ablations(), *stage_ways(["coarse", "graph"])]
    stages, graph, floats = passes(ways)
    assert [way.name for way in stages] == ["coarse", "graph"]
    assert all("stage" not in way.arguments for way in graph)
    assert {way.arguments["stage"] for way in floats} == {"float"}
    assert sorted(way.name for group in passes(ways) for way in group) == sorted(way.name for way in ways)
    assert passes(stage_ways(["graph"])) == [tuple(stage_ways(["graph"]))]


def test_two_searches_beside_each_other() -> None:
    chance = random.Random(2)
    keys: list[Key] = [(f"p{n}", n % 5) for n in range(14)]
    less, exhaustive = (200, GRAPHS), (EVERY, GRAPHS)
    found = [
        Tops(5000, {less: chance.sample(keys, 10), exhaustive: chance.sample(keys, 10)}) for _ in range(9)
    ]
    found += [Tops(5000, {less: keys[:10], exhaustive: keys[:10]})]
    found += [Tops(5000, {less: keys[:10], exhaustive: keys[9::-1]})]  # the same hits in another order
    row = beside("image to text", less, exhaustive, found)
    shared = sum(key in one.hits[less] for one in found for key in one.hits[exhaustive])
    assert row.same == pytest.approx(shared / 110) and row.differing == 10 and row.queries == 11
    assert (row.coarse, row.graph, row.exhaustive_coarse, row.entries) == (200, 100, EVERY, 5000)


def test_queries_are_spread_evenly() -> None:
    queries = [of_photo(str(n)) for n in range(10)]
    assert [one["item_id"] for one in spread(queries, 4)] == ["0", "2", "5", "7"]
    assert spread(queries, 0) == queries and spread(queries, 11) == queries


class Hasty(Gateway):
    """A server that skips the graph stage."""

    def search(
        self, request: gateway_pb2.SearchRequest, context: grpc.ServicerContext
    ) -> gateway_pb2.SearchResponse:
        report = gateway_pb2.SearchReport(degraded=True, degraded_reason="no time for graphs")
        return gateway_pb2.SearchResponse(report=report)


async def test_a_lesser_ranking_is_not_measured() -> None:
    with served(Hasty()) as address:
        async with AsyncClient(address) as client:
            with pytest.raises(ValueError, match=r"by less than was asked for: no time for graphs"):
                await rankings(client, "photos", [Way("graph", {})], {"text": "a cat"})


@pytest.fixture
def captions(sample_items: dict[str, tuple[Path, str]], tmp_path: Path) -> Path:
    """The sample photographs with two sentences each."""
    lines = [
        {"image": str(path), "captions": [text, f"{text}, seen from near"], "split": "dev"}
        for path, text in sample_items.values()
    ]
    file = tmp_path / "captions.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.mark.pack
async def test_one_search_ranks_as_those_that_it_stands_for(
    server: ServerProcess, sample_items: dict[str, tuple[Path, str]]
) -> None:
    ways = stage_ways(["coarse", "float", "graph"])
    async with AsyncClient(server.address) as client:
        await client.create_collection("staged")
        items = [Item(name, path, [text, f"{text} again"]) for name, (path, text) in sample_items.items()]
        assert all([status.ok async for status in client.ingest("staged", items)])
        for name, (path, text) in sample_items.items():
            together = await rankings(client, "staged", ways, {"text": text, "limit": 5})
            alone = {}
            for way in ways:
                arguments: SearchArguments = {"text": text, "limit": 5, **way.arguments}
                alone[way.name] = [hit.id for hit in await client.search("staged", **arguments)]
            assert together == alone
            group = ablations()[-2:]
            cached = await rankings(client, "staged", group, {"text": text, "limit": 5})
            for way in group:
                arguments = {"text": text, "limit": 5, "bypass_cache": True, **way.arguments}
                assert cached[way.name] == [hit.id for hit in await client.search("staged", **arguments)]
            stored = await client.search("staged", item_id=name, returning="text", limit=9)
            shown = await client.search("staged", image=path, returning="text", limit=9)
            assert [(hit.text, hit.score) for hit in stored] == [(hit.text, hit.score) for hit in shown]


@pytest.mark.pack
def test_retrieval_tells_each_figure_at_once(
    server: ServerProcess, captions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "retrieval", "--captions", str(captions), "--server", server.address, "--json"]
    words += ["--collection", "retrieval", "--ablations", "--report", str(tmp_path / "out")]
    words += [
        "--exhaustive",
        "--exhaustive-coarse",
        "1",
        "--exhaustive-coarse",
        "1000",
        "--exhaustive-deep",
        "2",
    ]
    with pytest.raises(SystemExit, match="0"):
        run(words)
    told = capsys.readouterr()
    result = json.loads(told.out)
    for row in result["rows"]:
        assert f"{row['direction']}, {row['stage']}: R@1 {100 * row['recall_at_1']:.1f}" in told.err
    beside_ = {(row["direction"], row["coarse"], row["graph"]): row for row in result["exhaustive"]}
    for direction, entries in (("text to image", 6), ("image to text", 12)):
        assert (
            beside_[direction, 1000, 1000]["same"] == 1 and beside_[direction, 1000, 1000]["differing"] == 0
        )
        assert beside_[direction, 1, 1]["same"] == pytest.approx(1 / min(10, entries))
        assert beside_[direction, 1, 1]["entries"] == entries
    assert "Beside an exhaustive search" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
