"""A cache in Redis that never stands in a call's way: a Redis that fails is left alone until it is back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Collection
from contextlib import suppress
from typing import TypeVar

from redis.exceptions import RedisClusterException, RedisError

from scenograph.runtime.cache.connect import connect

log = logging.getLogger(__name__)

T = TypeVar("T")

SCANNED = 1000  # keys that Redis looks at in one step

# A cluster without reachable nodes, or with slots that nobody has, is no RedisError.
_FAULTS = (RedisError, RedisClusterException, OSError, TimeoutError)


class RedisCache:
    """Keys go under `prefix`. A call waits at most `timeout_s`; after one failure all calls pass Redis by,
    while a task in the background asks every `retry_s` seconds whether it is back."""

    name = "redis"

    def __init__(
        self, url: str, *, prefix: str = "scenograph:", timeout_s: float = 0.25, retry_s: float = 1.0
    ) -> None:
        self._connection = connect(url, timeout_s)
        self._redis = self._connection.client
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._retry_s = retry_s
        self._probe: asyncio.Task[None] | None = None
        self._owed: set[str] = set()
        self._paying = asyncio.Lock()

    @property
    def bypassed(self) -> bool:
        return self._probe is not None

    async def get(self, key: str) -> bytes | None:
        if self.bypassed:
            return None
        value = await self._ask(self._redis.get(self._prefix + key))
        return value.encode() if isinstance(value, str) else value

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        if not self.bypassed and ttl_s > 0:
            await self._ask(self._redis.set(self._prefix + key, value, px=max(1, int(ttl_s * 1000))))

    async def delete(self, key: str) -> None:
        if not self.bypassed:
            await self._ask(self._redis.delete(self._prefix + key))

    async def forget(self, prefix: str) -> None:
        self._owed.add(prefix)
        if not self.bypassed:
            try:
                await self._pay()
            except _FAULTS as fault:
                self._failed(fault)

    async def close(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
            with suppress(asyncio.CancelledError):
                await self._probe
            self._probe = None
        with suppress(*_FAULTS):
            await self._connection.close()

    async def _ask(self, command: Awaitable[T]) -> T | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await command
        except _FAULTS as fault:
            self._failed(fault)
            return None

    async def _pay(self) -> None:
        """Removes what was to be forgotten when it began, in one pass over all keys. Who comes meanwhile
        waits for a pass that begins afterwards, all of them for the same. Keys are sought, and not
        noted when they are stored: that happens far more often, and a note may be lost.
        """
        async with self._paying:
            due, self._owed = self._owed, set()
            try:
                if due:
                    await self._remove(due)
            except BaseException:
                self._owed |= due
                raise

    async def _remove(self, prefixes: Collection[str]) -> None:
        wanted = tuple(f"{self._prefix}{prefix}".encode() for prefix in prefixes)
        pattern = f"{self._prefix}{next(iter(prefixes)) if len(prefixes) == 1 else ''}*"
        keys: list[bytes] = []
        async for key in self._redis.scan_iter(match=pattern, count=SCANNED):
            if key.startswith(wanted):
                keys.append(key)
            if len(keys) >= SCANNED:
                await self._redis.unlink(*keys)
                keys = []
        if keys:
            await self._redis.unlink(*keys)

    def _failed(self, fault: BaseException) -> None:
        if self._probe is None:
            log.warning("Redis fails, going on without it: %s", fault or type(fault).__name__)
            self._probe = asyncio.create_task(self._until_back(), name="redis-probe")

    async def _until_back(self) -> None:
        while True:
            await asyncio.sleep(self._retry_s)
            with suppress(*_FAULTS):
                async with asyncio.timeout(self._timeout_s * 4):
                    await self._redis.ping()
                await self._pay()
                break
        log.info("Redis is back")
        self._probe = None
