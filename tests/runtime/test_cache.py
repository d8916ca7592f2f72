"""Caches: bounds, time, single flight, and a real Redis that goes away and comes back."""

from __future__ import annotations

import asyncio
import re
import time
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.redis_process import RedisProcess

from scenograph.runtime import deadline
from scenograph.runtime.cache.contract import Cache
from scenograph.runtime.cache.keys import cache_key
from scenograph.runtime.cache.memory import MemoryCache, NoCache
from scenograph.runtime.cache.redis import RedisCache
from scenograph.runtime.cache.single_flight import SingleFlight
from scenograph.scene.errors import DeadlineExceeded, InvalidInput, NotFound


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_least_recently_used_goes_first() -> None:
    cache = MemoryCache(max_bytes=4 * 1300)
    for key in "abcd":
        await cache.set(key, b"x" * 1000, 60)
    assert await cache.get("a") == b"x" * 1000
    await cache.set("e", b"x" * 1000, 60)
    assert [key for key in "abcde" if await cache.get(key)] == ["a", "c", "d", "e"]


async def test_time_to_live() -> None:
    clock = Clock()
    cache = MemoryCache(10_000, clock=clock)
    await cache.set("a", b"1", 10)
    await cache.set("never", b"1", 0)
    clock.now = 9.9
    assert await cache.get("a") == b"1" and await cache.get("never") is None
    clock.now = 10
    assert await cache.get("a") is None and cache.size_bytes == 0


async def test_a_value_too_large_is_not_kept_and_the_old_one_is_gone() -> None:
    cache = MemoryCache(10_000)
    await cache.set("a", b"old", 60)
    await cache.set("a", b"x" * 5_000, 60)
    assert await cache.get("a") is None


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 900)), max_size=60))
async def test_the_bound_holds(writes: list[tuple[str, int]]) -> None:
    cache = MemoryCache(4_000)
    for key, size in writes:
        await cache.set(key, b"x" * size, 60)
        assert cache.size_bytes <= 4_000
    for key, _ in writes:
        await cache.delete(key)
    assert cache.size_bytes == 0


parts = st.one_of(st.binary(), st.text(), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False))


@given(st.lists(parts), st.lists(parts))
def test_keys_differ_where_parts_differ(one: list[bytes], other: list[bytes]) -> None:
    alike = [(type(p), repr(p)) for p in one] == [(type(p), repr(p)) for p in other]
    assert (cache_key(*one) == cache_key(*other)) == alike


async def test_single_flight_computes_once() -> None:
    flights: SingleFlight[int] = SingleFlight()
    calls = 0

    async def make() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.02)
        return calls

    assert await asyncio.gather(*(flights.run("k", make) for _ in range(10))) == [1] * 10
    assert await flights.run("k", make) == 2


async def test_single_flight_shares_errors() -> None:
    flights: SingleFlight[int] = SingleFlight()

    async def fail() -> int:
        await asyncio.sleep(0.01)
        raise NotFound("gone")

    results = await asyncio.gather(*(flights.run("k", fail) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [NotFound] * 3


async def test_single_flight_outlives_a_caller_but_not_the_last() -> None:
    flights: SingleFlight[int] = SingleFlight()
    cancelled = asyncio.Event()

    async def make() -> int:
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return 1

    first, second = (asyncio.create_task(flights.run("k", make)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == 1 and not cancelled.is_set()

    only = asyncio.create_task(flights.run("k", make))
    await asyncio.sleep(0.01)
    only.cancel()
    await asyncio.wait_for(cancelled.wait(), 1)


async def test_single_flight_is_not_bound_by_the_first_callers_deadline() -> None:
    flights: SingleFlight[str] = SingleFlight()

    async def make() -> str:
        await asyncio.sleep(0.03)
        deadline.check()
        return "made"

    async def call(seconds: float) -> str:
        with deadline.within(seconds):
            return await flights.run("k", make)

    short, long = await asyncio.gather(call(0.01), call(5), return_exceptions=True)
    assert isinstance(short, DeadlineExceeded) and long == "made"


async def test_no_cache_keeps_nothing() -> None:
    cache = NoCache()
    await cache.set("a", b"1", 60)
    assert await cache.get("a") is None and cache.bypassed


async def test_redis_keeps_for_a_while(redis_server: RedisProcess) -> None:
    cache: Cache = RedisCache(redis_server.url)
    await cache.set("a", b"\x00\xff", 60)
    await cache.set("short", b"1", 0.05)
    assert await cache.get("a") == b"\x00\xff"
    await asyncio.sleep(0.1)
    assert await cache.get("short") is None
    await cache.delete("a")
    assert await cache.get("a") is None and not cache.bypassed
    await cache.close()


async def test_redis_dies_mid_run_and_comes_back(redis_process: RedisProcess) -> None:
    cache = RedisCache(redis_process.url, retry_s=0.05)
    await cache.set("a", b"1", 60)
    assert await cache.get("a") == b"1" and not cache.bypassed
    redis_process.kill()
    start = time.perf_counter()
    for number in range(200):
        await cache.set(f"k{number}", b"1", 60)
        assert await cache.get(f"k{number}") is None and cache.bypassed
    assert time.perf_counter() - start < 1
    redis_process.start()
    await wait_until_back(cache)
    await cache.set("a", b"2", 60)
    assert await cache.get("a") == b"2"
    await cache.close()


async def test_redis_that_hangs_costs_one_timeout(redis_process: RedisProcess) -> None:
    cache = RedisCache(redis_process.url, timeout_s=0.1, retry_s=0.05)
    await cache.set("a", b"1", 60)
    redis_process.suspend()
    start = time.perf_counter()
    for _ in range(100):
        assert await cache.get("a") is None
    assert 0.09 < time.perf_counter() - start < 0.5
    redis_process.resume()
    await wait_until_back(cache)
    assert await cache.get("a") == b"1"
    await cache.close()


async def wait_until_back(cache: Cache) -> None:
    for _ in range(100):
        if not cache.bypassed:
            return
        await asyncio.sleep(0.05)
    pytest.fail("Redis was not taken up again")


async def test_sentinel_url(redis_process: RedisProcess) -> None:
    with redis_process.sentinel("main") as address:
        cache = RedisCache(f"redis+sentinel://{address}/main/0", timeout_s=2)
        await cache.set("a", b"1", 60)
        assert await cache.get("a") == b"1" and not cache.bypassed
        await cache.close()


async def test_cluster_url(redis_cluster: RedisProcess) -> None:
    cache = RedisCache(f"redis+cluster://127.0.0.1:{redis_cluster.port}", timeout_s=2)
    await cache.set("a", b"1", 60)
    assert await cache.get("a") == b"1" and not cache.bypassed
    await cache.close()


@pytest.mark.parametrize("kind", ["memory", "redis", "cluster"])
async def test_what_begins_alike_is_forgotten(kind: str, request: pytest.FixtureRequest) -> None:
    """And nothing else, in whichever slots it lies."""
    cache: Cache
    if kind == "memory":
        cache = MemoryCache(2**22)
    elif kind == "redis":
        cache = RedisCache(request.getfixturevalue("redis_process").url, timeout_s=2)
    else:
        port = request.getfixturevalue("redis_cluster").port
        cache = RedisCache(f"redis+cluster://127.0.0.1:{port}", timeout_s=2)
    keys = {start: [f"{start}:{number}" for number in range(1200)] for start in ("one", "two", "stays")}
    for key in chain.from_iterable(keys.values()):
        await cache.set(key, b"1", 60)
    await asyncio.gather(*(cache.forget(f"{start}:") for start in ("one", "two", "one", "none")))
    assert not cache.bypassed
    for start, each in keys.items():
        assert [await cache.get(key) for key in each] == [b"1" if start == "stays" else None] * len(each)
    await cache.close()


async def test_removals_at_once_share_a_pass_over_the_keys(redis_process: RedisProcess) -> None:
    """Of fifty, the first has one of its own, and all others the next."""
    cache = RedisCache(redis_process.url, timeout_s=2)
    for number in range(3000):
        await cache.set(f"stays:{number}", b"1", 60)
    redis_process.command("CONFIG", "RESETSTAT")
    await asyncio.gather(*(cache.forget(f"gone{number}:") for number in range(50)))
    (scans,) = re.findall(r"cmdstat_scan:calls=(\d+)", redis_process.command("INFO", "commandstats"))
    assert 2 <= int(scans) <= 16, "a pass of 3,000 keys takes about four steps"
    await cache.close()


@pytest.mark.parametrize(
    "url", ["http://x", "localhost:6379", "redis+sentinel://host", "redis://host:port", "redis+cluster://:1"]
)
def test_bad_urls_are_named_without_their_secrets(url: str) -> None:
    with pytest.raises(InvalidInput, match="not a usable Redis URL"):
        RedisCache(url)
