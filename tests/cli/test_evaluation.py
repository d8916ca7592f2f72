"""Ranks become recalls, held against a slow, obvious count."""

from __future__ import annotations

import asyncio
import random

import pytest

from scenograph.cli.evaluation import DEPTH, _rank, _row, _together, check_stages


def test_ranks() -> None:
    assert _rank("b", ["a", "b", "c"]) == 2
    assert _rank("z", ["a", "b", "c"]) is None


def test_recalls_equal_a_count() -> None:
    chance = random.Random(1)
    ranks = [chance.choice([None, *range(1, 60)]) for _ in range(501)]
    row = _row("text to image", "graph", ranks)
    for k, recall in ((1, row.recall_at_1), (5, row.recall_at_5), (10, row.recall_at_10)):
        assert recall == len([rank for rank in ranks if rank in range(1, k + 1)]) / 501
    assert row.median_rank == sorted(rank or 1000 for rank in ranks)[250]


def test_a_median_beyond_the_depth_is_not_told() -> None:
    assert _row("text to image", "graph", [None, None, 3]).median_rank is None
    assert _row("text to image", "graph", [DEPTH, 3, None]).median_rank == DEPTH


async def test_searches_run_together_but_not_all_at_once() -> None:
    under_way, most, done = 0, 0, 0

    async def search(answer: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return answer

    def count() -> None:
        nonlocal done
        done += 1

    answers = await _together([lambda n=n: search(n) for n in range(40)], 4, count)  # type: ignore[misc]
    assert answers == list(range(40)) and most == 4 and done == 40


def test_stages() -> None:
    assert check_stages(["graph", "coarse"]) == ["graph", "coarse"]
    with pytest.raises(ValueError, match="coarse, float, graph"):
        check_stages(["fine"])
