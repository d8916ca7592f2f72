"""What is erased while a ranking is made and kept is not kept with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from scenograph.gateway.answers import CacheStatus
from scenograph.gateway.kept import KeptRankings
from scenograph.gateway.ranked import GONE, RankedHit, Ranking
from scenograph.runtime.cache.memory import MemoryCache

KEY = "ranking"


def hit(item_id: str) -> RankedHit:
    return RankedHit(item_id, 1, 0, 0.5, 0.5, 0.5, 0.5, 0)


def ranking(*item_ids: str, asked: tuple[str, ...] = ()) -> Ranking:
    hits, born = tuple(map(hit, item_ids)), datetime(2026, 1, 1, tzinfo=UTC)
    return Ranking(hits, (), len(hits), len(hits), len(hits), 0, "", 1, born, collection="birds", asked=asked)


class Interrupted(MemoryCache):
    """Runs `meanwhile` once a value is stored, before the one who stores it goes on."""

    def __init__(self) -> None:
        super().__init__(2**20)
        self.meanwhile: Callable[[], None] = lambda: None

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        await super().set(key, value, ttl_s)
        self.meanwhile()


@pytest.fixture
def cache() -> Interrupted:
    return Interrupted()


@pytest.fixture
def kept(cache: Interrupted) -> KeptRankings:
    return KeptRankings(cache, most_hits=100, ttl_s=60)


async def test_nothing_erased(kept: KeptRankings, cache: Interrupted) -> None:
    with kept.noting("birds") as erased:
        kept.erase("cars", None)
        kept.erase("cars", frozenset({"wren"}))
        assert await kept.put(KEY, ranking("wren", "crow"), erased) is CacheStatus.MISS
    assert await kept.get(KEY) == ranking("wren", "crow") and await cache.get(KEY)


async def test_an_item_that_is_found(kept: KeptRankings, cache: Interrupted) -> None:
    with kept.noting("birds") as erased:
        kept.erase("birds", frozenset({"wren"}))
        await kept.put(KEY, ranking("wren", "crow"), erased)
    found = await kept.get(KEY)
    assert found is not None and found.hits == (GONE, hit("crow"))
    assert b"wren" not in (await cache.get(KEY) or b"wren"), "its other hits are shared"


async def test_an_item_that_is_asked_about(kept: KeptRankings, cache: Interrupted) -> None:
    with kept.noting("birds") as erased:
        kept.erase("birds", frozenset({"wren"}))
        status = await kept.put(KEY, ranking("crow", asked=("wren",)), erased)
    assert status is CacheStatus.BYPASS
    assert await kept.get(KEY) is None and await cache.get(KEY) is None


async def test_the_whole_collection(kept: KeptRankings, cache: Interrupted) -> None:
    with kept.noting("birds") as erased:
        kept.erase("birds", None)
        assert await kept.put(KEY, ranking("crow"), erased) is CacheStatus.BYPASS
    assert await kept.get(KEY) is None and await cache.get(KEY) is None


async def test_an_item_while_the_ranking_is_stored(kept: KeptRankings, cache: Interrupted) -> None:
    cache.meanwhile = lambda: kept.erase("birds", frozenset({"wren"}))
    with kept.noting("birds") as erased:
        await kept.put(KEY, ranking("wren", "crow"), erased)
    assert await cache.get(KEY) is None
    found = await kept.get(KEY)
    assert found is not None and found.hits == (GONE, hit("crow")), "pages of this process go on"


async def test_the_collection_while_the_ranking_is_stored(kept: KeptRankings, cache: Interrupted) -> None:
    cache.meanwhile = lambda: kept.erase("birds", None)
    with kept.noting("birds") as erased:
        await kept.put(KEY, ranking("crow"), erased)
    assert await kept.get(KEY) is None and await cache.get(KEY) is None


async def test_a_search_that_ended_is_not_noted_any_more(kept: KeptRankings) -> None:
    with kept.noting("birds") as erased:
        pass
    kept.erase("birds", frozenset({"wren"}))
    assert not erased.ids and not kept._under_way
