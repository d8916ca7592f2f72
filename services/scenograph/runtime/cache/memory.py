"""A cache in this process: least recently used goes first, bounded by bytes and time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

_OVERHEAD_BYTES = 200  # what an entry costs beside its value, about


class _Stored(NamedTuple):
    value: bytes
    expires: float


class MemoryCache:
    """Holds at most `max_bytes`, keys and bookkeeping included; keeps no value above a quarter of it."""

    name = "memory"
    bypassed = False

    def __init__(self, max_bytes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, _Stored] = OrderedDict()
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """Bytes in use."""
        return self._bytes

    async def get(self, key: str) -> bytes | None:
        stored = self._entries.get(key)
        if stored is None:
            return None
        if stored.expires <= self._clock():
            self._forget(key)
            return None
        self._entries.move_to_end(key)
        return stored.value

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        self._forget(key)
        cost = _cost(key, value)
        if ttl_s <= 0 or cost > self._max_bytes // 4:
            return
        self._entries[key] = _Stored(value, self._clock() + ttl_s)
        self._bytes += cost
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._entries)))

    async def delete(self, key: str) -> None:
        self._forget(key)

    async def forget(self, prefix: str) -> None:
        for key in [key for key in self._entries if key.startswith(prefix)]:
            self._forget(key)

    async def close(self) -> None:
        self._entries.clear()
        self._bytes = 0

    def _forget(self, key: str) -> None:
        stored = self._entries.pop(key, None)
        if stored is not None:
            self._bytes -= _cost(key, stored.value)


def _cost(key: str, value: bytes) -> int:
    return len(key) + len(value) + _OVERHEAD_BYTES


class NoCache:
    """Keeps nothing."""

    name = "off"
    bypassed = True

    async def get(self, key: str) -> bytes | None:
        return None

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        return None

    async def delete(self, key: str) -> None:
        return None

    async def forget(self, prefix: str) -> None:
        return None

    async def close(self) -> None:
        return None
