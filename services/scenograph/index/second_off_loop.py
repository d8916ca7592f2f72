"""A collection that is made anew, for callers in the event loop (contracts.SecondIndex)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from scenograph.index.second import Second
from scenograph.runtime.background import Background
from scenograph.runtime.contracts import Record, Source

T = TypeVar("T")


class SecondOffLoop:
    """Reads and writes in the background; `admin` is the thread in which collections are changed."""

    def __init__(self, second: Second, admin: Executor) -> None:
        self.bits = second.bits
        self._second = second
        self._admin = admin
        self._background = Background()

    async def to_do(self) -> tuple[list[int], int]:
        return await self._background.run(self._second.to_do)

    async def read(self, places: Sequence[int]) -> list[Source]:
        return await self._background.run(self._second.read, places)

    async def store(self, made: Sequence[tuple[Source, Record]]) -> None:
        await self._background.run(self._second.store, made)

    async def stop_writes(self) -> None:
        await self._administer(self._second.stop_writes)

    async def switch(self) -> None:
        await self._administer(self._second.switch)

    async def close(self) -> None:
        await self._end(self._second.close)

    async def discard(self) -> None:
        await self._end(self._second.discard)

    async def _end(self, work: Callable[[], None]) -> None:
        await self._background.run(lambda: None)  # what is under way ends first
        await self._administer(work)
        self._background.close()

    async def _administer(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._admin, work)
