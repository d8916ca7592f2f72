"""What is removed from the index goes from the gateway's caches too, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from scenograph.gateway.digests import collection_prefix
from scenograph.gateway.kept import KeptRankings
from scenograph.gateway.uploads import Uploads
from scenograph.runtime.cache.contract import Cache
from scenograph.scene.errors import PackNotLoaded

Forget = Callable[[str], Awaitable[None]]


class Keeps(Protocol):
    """An engine, as far as this module cares."""

    kept: KeptRankings


class Packs(Protocol):
    """The packs that are loaded, and what serves them."""

    def __iter__(self) -> Iterator[str]: ...

    def use(self, pack: str = "") -> AbstractContextManager[Keeps]: ...


class Erasure:
    """Empties what keeps answers: the rankings of every pack, the cache that gateways share, the answers as
    they were sent, and the uploads that items came from.
    """

    def __init__(self, packs: Packs, cache: Cache, uploads: Uploads) -> None:
        self._packs = packs
        self._cache = cache
        self._uploads = uploads
        self._others: list[Forget] = []

    def also(self, forget: Forget) -> None:
        """Has another cache told, by the collection's name."""
        self._others.append(forget)

    async def erase(self, collection: str, ids: Collection[str] | None = None) -> None:
        """Lets go of all that was kept of removed items, or of a removed collection. It is done to the end,
        also where the call that asks for it is given up.
        """
        await asyncio.shield(asyncio.create_task(self._erase(collection, ids)))

    async def _erase(self, collection: str, ids: Collection[str] | None) -> None:
        gone = None if ids is None else frozenset(ids)
        for pack in self._packs:
            with suppress(PackNotLoaded), self._packs.use(pack) as engine:
                engine.kept.erase(collection, gone)
        for forget in self._others:
            await forget(collection)
        await self._cache.forget(collection_prefix(collection))
        await self._uploads.erase(collection, gone)
