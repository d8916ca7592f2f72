"""Rankings kept for a while, so that a repeated search is answered at once and its pages never repeat or
drop an item.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from scenograph.gateway.answers import CacheStatus
from scenograph.gateway.ranked import Ranking, without
from scenograph.runtime.cache.contract import Cache
from scenograph.runtime.telemetry.spans import span
from scenograph.scene.units import decode_units, encode_units

log = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder(enc_hook=encode_units).encode
_decoder = msgspec.msgpack.Decoder(Ranking, dec_hook=decode_units)


@dataclass(slots=True, eq=False)
class Erased:
    """What was erased of a collection while a search of it was under way: items, or the `whole`."""

    ids: set[str] = field(default_factory=set)
    whole: bool = False

    def add(self, ids: frozenset[str] | None) -> None:
        """These items; None: the whole collection."""
        self.whole = self.whole or ids is None
        self.ids.update(ids or ())


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
        self._under_way: dict[str, set[Erased]] = {}

    @contextmanager
    def noting(self, collection: str) -> Iterator[Erased]:
        """Around a search: what is erased of the collection meanwhile, not to be kept with its ranking."""
        erased, others = Erased(), self._under_way.setdefault(collection, set())
        others.add(erased)
        try:
            yield erased
        finally:
            others.discard(erased)
            if not others:
                self._under_way.pop(collection, None)

    def erase(self, collection: str, ids: frozenset[str] | None) -> None:
        """Lets go of what this process has of items that are removed; None: of the whole collection."""
        for erased in self._under_way.get(collection, ()):
            erased.add(ids)
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

    async def put(self, key: str, ranking: Ranking, erased: Erased, *, share: bool = True) -> CacheStatus:
        """Keeps the ranking, less what was erased while it was made; BYPASS where only this process could, or
        should, or nobody may: the collection is gone, or an item that was asked about.
        """
        if erased.whole or not erased.ids.isdisjoint(ranking.asked):
            return CacheStatus.BYPASS
        ranking, known = without(ranking, erased.ids), len(erased.ids)
        self._keep(key, ranking)
        if not share:
            return CacheStatus.BYPASS
        await self._cache.set(key, _encode(ranking), self._ttl_s)
        if erased.whole or len(erased.ids) > known:  # it may have come after what the erasure removed
            await self._cache.delete(key)
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
