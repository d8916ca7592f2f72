"""A cache and single flight together: look, else compute once and keep."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from scenograph.runtime.cache.contract import Cache, CacheStatus
from scenograph.runtime.cache.single_flight import SingleFlight


class ResultCache:
    """Answers as bytes, kept for `ttl_s` seconds."""

    def __init__(self, cache: Cache, ttl_s: float) -> None:
        self.cache = cache
        self._ttl_s = ttl_s
        self._flights: SingleFlight[bytes] = SingleFlight()

    async def get_or_make(
        self, key: str, make: Callable[[], Coroutine[Any, Any, bytes]]
    ) -> tuple[bytes, CacheStatus]:
        """The kept answer, or `make`'s, kept from then on; and what the cache did. Errors are not kept."""
        found = await self.cache.get(key)
        if found is not None:
            return found, CacheStatus.HIT

        async def make_and_keep() -> bytes:
            value = await make()
            await self.cache.set(key, value, self._ttl_s)
            return value

        value = await self._flights.run(key, make_and_keep)
        return value, CacheStatus.BYPASS if self.cache.bypassed else CacheStatus.MISS
