"""Answers to searches as they were sent, so that the same question of an unchanged collection costs no work.

What is kept is the message itself: the ranking, the items and the explanations are not looked at again.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from scenograph.gateway.app import GatewayApp
from scenograph.gateway.digests import collection_prefix, view_key
from scenograph.runtime.cache.memory import MemoryCache
from scenograph.runtime.contracts import Collection
from scenograph.runtime.telemetry.spans import span
from scenograph.scene.errors import ScenographError
from scenograph.v1 import gateway_pb2 as pb


@dataclass(frozen=True, slots=True)
class Question:
    """`key` is of the request, of what its caller may see, and of the collection as it was `since`, the time
    when it was asked; `erasures` is how often something of it had been erased by then.
    """

    key: str
    collection: Collection
    since: float
    erasures: int


class SentAnswers:
    """Answers of one gateway for `ttl_s` seconds, least recently used out first, at most `max_bytes`."""

    def __init__(self, app: GatewayApp, *, max_bytes: int = 0, ttl_s: float = 900.0) -> None:
        self._app = app
        self._kept = MemoryCache(max_bytes)
        self._ttl_s = ttl_s
        self._erasures: dict[str, int] = {}
        self._versions: dict[str, int] = {}
        app.erasure.also(self.forget)

    async def forget(self, collection: str) -> None:
        """Lets go of all answers about a collection, also those that are under way."""
        self._erasures[collection] = self._erasures.get(collection, 0) + 1
        await self._kept.forget(collection_prefix(collection))

    async def question(self, request: pb.SearchRequest) -> Question | None:
        """What is asked, of the collection as it is now; None where the answer is not to be kept.

        Further pages have a life of their own, uploads are used up, an uncached search says so itself, and
        what is wrong with a request the search will tell.
        """
        if request.page_token or request.options.bypass_cache or _has_upload(request):
            return None
        since = time.perf_counter()
        try:
            collection = await self._app.collections.open(request.collection)
        except ScenographError:
            return None
        digest = hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()
        name, born = collection.name, collection.create_time.timestamp()
        await self._outdated(collection)
        key = f"{digest} {born} {collection.pack_version} {collection.version} {view_key()}"
        return Question(collection_prefix(name) + key, collection, since, self._erasures.get(name, 0))

    async def again(self, question: Question) -> bytes | None:
        """The answer that was sent before, with what the cache and the time tell of this call.

        Bytes of two messages side by side are those of both merged (protobuf's encoding).
        """
        with span("cache answer") as looking:
            kept = await self._kept.get(question.key)
            looking.set_attribute("scenograph.cache.hit", kept is not None)
        if kept is None:
            return None
        milliseconds = (time.perf_counter() - question.since) * 1e3
        told = pb.SearchResponse()
        told.report.timings.add(stage="total", milliseconds=milliseconds)
        self._app.meter.searched_again(milliseconds)
        return kept + told.SerializeToString()

    async def keep(self, question: Question, answer: pb.SearchResponse) -> None:
        """Keeps an answer that is whole.

        Where the collection changed while it was made, nobody will ask for that version any more.
        """
        erased = question.erasures != self._erasures.get(question.collection.name, 0)
        if answer.report.degraded or erased:
            return
        kept = pb.SearchResponse()
        kept.CopyFrom(answer)
        kept.report.ClearField("timings")
        kept.report.cache = pb.CACHE_STATUS_HIT
        await self._kept.set(question.key, kept.SerializeToString(), self._ttl_s)

    async def _outdated(self, collection: Collection) -> None:
        """Lets go of answers about what the collection was: nobody asks for them again, and another gateway
        may have removed what they tell.
        """
        if self._versions.get(collection.name) != collection.version:
            self._versions[collection.name] = collection.version
            await self._kept.forget(collection_prefix(collection.name))


def _has_upload(request: pb.SearchRequest) -> bool:
    return any(part.WhichOneof("part") == "image" and part.image.upload_id for part in request.query.parts)
