"""Rankings kept for a while, so that a repeated search is answered at once and its pages never repeat or
drop an item.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from scenograph.gateway.answers import CacheStatus
from scenograph.gateway.ranked import Ranking, without
from scenograph.runtime.cache.contract import Cache
from scenograph.runtime.telemetry.spans import span
from scenograph.scene.units import decode_units, encode_units

log = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder(enc_hook=encode_units).encode
_decoder = msgspec.msgpack.Decoder(Ranking, dec_hook=decode_units)


@dataclass(frozen=True, slots=True)
class _Entry:
    ranking: Ranking
    expires: float


class KeptRankings:
    """Rankings by key: in this process, least recently used out first, and in the cache that the gateways
    share.

    The process's own copies hold at most `most_hits` hits in all, so that Redis dying costs no page.
    """

    def __init__(
        self, cache: Cache, *, most_hits: int, ttl_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cache = cache
        self._most_hits = most_hits
        self._ttl_s = ttl_s
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._hits = 0
        self._erasures: dict[str, int] = {}

    def erasures(self, collection: str) -> int:
        """How often something of a collection was erased: what was begun before is not to be kept after."""
        return self._erasures.get(collection, 0)

    def erase(self, collection: str, ids: frozenset[str] | None) -> None:
        """Lets go of what this process has of items that are removed; None: of the whole collection."""
        self._erasures[collection] = self.erasures(collection) + 1
        for key, entry in list(self._entries.items()):
            ranking = entry.ranking
            if ranking.collection != collection:
                continue
            if ids is None or not ids.isdisjoint(ranking.asked):
                self._forget(key)
            else:
                self._entries[key] = _Entry(without(ranking, ids), entry.expires)

    async def get(self, key: str) -> Ranking | None:
        """The ranking, or None where it is kept neither here nor in the shared cache."""
        with span("cache ranking") as looking:
            found = await self._get(key)
            looking.set_attribute("scenograph.cache.hit", found is not None)
            return found

    async def _get(self, key: str) -> Ranking | None:
        entry = self._entries.get(key)
        if entry is not None and entry.expires > self._clock():
            self._entries.move_to_end(key)
            return entry.ranking
        self._forget(key)
        if (found := await self._cache.get(key)) is None:
            return None
        try:
            ranking = _decoder.decode(found)
        except msgspec.MsgspecError:
            log.warning("a ranking in the cache is not readable, computing it again")
            return None
        self._keep(key, ranking)
        return ranking

    async def put(
        self, key: str, ranking: Ranking, *, share: bool = True, since: int | None = None
    ) -> CacheStatus:
        """Keeps the ranking; BYPASS where only this process could, or should, or nobody may: something was
        erased since so many erasures.
        """
        if since is not None and since != self.erasures(ranking.collection):
            return CacheStatus.BYPASS
        self._keep(key, ranking)
        if not share:
            return CacheStatus.BYPASS
        await self._cache.set(key, _encode(ranking), self._ttl_s)
        return CacheStatus.BYPASS if self._cache.bypassed else CacheStatus.MISS

    def _keep(self, key: str, ranking: Ranking) -> None:
        self._forget(key)
        self._entries[key] = _Entry(ranking, self._clock() + self._ttl_s)
        self._hits += _size(ranking)
        while self._hits > self._most_hits:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._hits -= _size(entry.ranking)


def _size(ranking: Ranking) -> int:
    return len(ranking.hits) + 1
