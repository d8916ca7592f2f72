"""Writes of the same item take turns; those of others go on side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager


class Turns:
    """Of one event loop."""

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def of(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Inside the block nobody else has any of the names. All are taken at once, so nobody waits in a
        circle.
        """
        wanted = set(names)
        while taken := [self._held[name] for name in wanted if name in self._held]:
            await asyncio.wait(taken)
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held.update(dict.fromkeys(wanted, mine))
        try:
            yield
        finally:
            for name in wanted:
                del self._held[name]
            mine.set_result(None)
