"""Rankings and queries shared through a real Redis, and what happens when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway.harness import ask, gateway_with, ids
from tests.redis_process import RedisProcess

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.answers import CacheStatus
from scenograph.gateway.app import GatewayApp
from scenograph.runtime.cache.redis import RedisCache

pytestmark = [pytest.mark.pack, pytest.mark.usefixtures("gateway")]


@pytest.fixture
async def two(apps: Apps, redis_process: RedisProcess, tmp_path: Path) -> AsyncIterator[list[GatewayApp]]:
    """Two gateways over one index and one Redis."""
    caches = [RedisCache(redis_process.url, retry_s=0.05) for _ in range(2)]
    yield [gateway_with(apps, tmp_path / str(i), cache=cache) for i, cache in enumerate(caches)]
    for cache in caches:
        await cache.close()


async def test_gateways_share_rankings_and_their_pages(two: list[GatewayApp]) -> None:
    request = ask("a cat", page_size=2, explain=True)
    first = await two[0].search(request)
    other = await two[1].search(request)
    assert (first.report.cache, other.report.cache) == (CacheStatus.MISS, CacheStatus.HIT)
    assert ids(first) == ids(other)
    assert [hit.score for hit in first.hits] == [hit.score for hit in other.hits]
    pages = [
        await gateway.search(replace(request, page_token=first.next_page_token)) for gateway in reversed(two)
    ]
    assert ids(pages[0]) == ids(pages[1])
    assert two[0].info().cache == "redis"


async def test_redis_dying_costs_no_request_and_no_page(
    two: list[GatewayApp], redis_process: RedisProcess
) -> None:
    request = ask("a rocket", page_size=2)
    first = await two[0].search(request)
    redis_process.kill()
    second = await two[0].search(replace(request, page_token=first.next_page_token))
    third = await two[0].search(replace(request, page_token=second.next_page_token))
    assert len({*ids(first), *ids(second), *ids(third)}) == 5
    again = await two[0].search(request)
    assert again.report.cache is CacheStatus.HIT, "from this process's own copy"
    new = await two[0].search(ask("a motorcycle"))
    assert new.report.cache is CacheStatus.BYPASS and ids(new)
    elsewhere = await two[1].search(replace(request, page_token=first.next_page_token))
    assert ids(elsewhere) == ids(second), "made anew where it is not kept"
    redis_process.start()
    for _ in range(200):
        page = await two[0].search(ask("a motorcycle at night"))
        if page.report.cache is not CacheStatus.BYPASS:
            break
        await asyncio.sleep(0.02)
    assert (await two[0].search(ask("a coffee"))).report.cache is CacheStatus.MISS
