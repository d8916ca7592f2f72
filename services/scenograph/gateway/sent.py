"""Answers to searches as they were sent, so that the same question of an unchanged collection costs no work.

What is kept is the message itself: the ranking, the items and the explanations are not looked at again.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from scenograph.gateway.app import GatewayApp
from scenograph.runtime.cache.memory import MemoryCache
from scenograph.runtime.contracts import Collection
from scenograph.runtime.telemetry.spans import span
from scenograph.scene.errors import ScenographError
from scenograph.v1 import gateway_pb2 as pb


@dataclass(frozen=True, slots=True)
class Question:
    """`key` is of the request and of the collection as it was `since`, the time when it was asked."""

    key: str
    collection: Collection
    since: float


class SentAnswers:
    """Answers of one gateway for `ttl_s` seconds, least recently used out first, at most `max_bytes`."""

    def __init__(self, app: GatewayApp, *, max_bytes: int = 0, ttl_s: float = 900.0) -> None:
        self._app = app
        self._kept = MemoryCache(max_bytes)
        self._ttl_s = ttl_s

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
        born = collection.create_time.timestamp()
        key = f"{digest} {born} {collection.pack_version} {collection.version}"
        return Question(key, collection, since)

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
        if answer.report.degraded:
            return
        kept = pb.SearchResponse()
        kept.CopyFrom(answer)
        kept.report.ClearField("timings")
        kept.report.cache = pb.CACHE_STATUS_HIT
        await self._kept.set(question.key, kept.SerializeToString(), self._ttl_s)


def _has_upload(request: pb.SearchRequest) -> bool:
    return any(part.WhichOneof("part") == "image" and part.image.upload_id for part in request.query.parts)
