"""Ranks become recalls, held against a slow, obvious count."""

from __future__ import annotations

import asyncio
import random
from functools import partial

import pytest

from scenograph.cli.evaluation import Search, check_stages, run_together, score


async def _nothing() -> list[str]:
    return []


def test_recalls_equal_a_count() -> None:
    chance = random.Random(1)
    names = [f"p{n}" for n in range(50)]
    searches = [Search({chance.choice(names)}, _nothing) for _ in range(301)]
    found = [chance.sample(names, 40) for _ in searches]
    row = score("text to image", "graph", searches, found)
    places = [
        [name in search.right for name in list_].index(True) + 1 if search.right & set(list_) else 1000
        for search, list_ in zip(searches, found, strict=True)
    ]
    for k, recall in ((1, row.recall_at_1), (5, row.recall_at_5), (10, row.recall_at_10)):
        assert recall == pytest.approx(sum(place <= k for place in places) / 301)
    assert row.median_rank == sorted(places)[150] and row.queries == 301


def test_a_median_that_was_not_found_is_not_told() -> None:
    searches = [Search({"a"}, _nothing) for _ in range(3)]
    assert score("text to image", "graph", searches, [[], ["b"], ["a"]]).median_rank is None


async def test_searches_run_together_but_not_all_at_once() -> None:
    under_way, most, done = 0, 0, 0

    async def look(name: str) -> list[str]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return [name]

    def count() -> None:
        nonlocal done
        done += 1

    searches = [Search(set(), partial(look, str(n))) for n in range(40)]
    found = await run_together(searches, 4, count)
    assert found == [[str(n)] for n in range(40)] and most == 4 and done == 40


def test_stages() -> None:
    assert check_stages(["graph", "coarse"]) == ["graph", "coarse"]
    with pytest.raises(ValueError, match="coarse, float, graph"):
        check_stages(["fine"])
