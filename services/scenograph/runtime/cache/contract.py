"""What every cache can do."""

from __future__ import annotations

from typing import Protocol


class Cache(Protocol):
    """Keeps bytes by key for a while.

    No method raises for a cache out of reach: a read finds nothing, a write does nothing.
    """

    @property
    def name(self) -> str:
        """Which cache this is: "memory", "redis" or "off"."""
        ...

    @property
    def bypassed(self) -> bool:
        """True while the cache is not asked because it cannot be reached, or is switched off."""
        ...

    async def get(self, key: str) -> bytes | None:
        """What was stored, or None."""
        ...

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Stores for `ttl_s` seconds, or less where room is short."""
        ...

    async def delete(self, key: str) -> None:
        """Forgets the key."""
        ...

    async def forget(self, prefix: str) -> None:
        """Forgets every key that begins so; one out of reach, once it can be reached again."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...
