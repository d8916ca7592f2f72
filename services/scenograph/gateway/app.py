"""The gateway's parts put together. Nothing here knows of gRPC."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from importlib.metadata import version

from scenograph.gateway.answers import Hit, Info, Outcome, Report, SearchPage, StagePage, Upload
from scenograph.gateway.collections import Collections, Engines
from scenograph.gateway.erasure import Erasure
from scenograph.gateway.fields import under
from scenograph.gateway.ingest import Ingestor
from scenograph.gateway.limits import Limits
from scenograph.gateway.meter import Meter
from scenograph.gateway.requests import IngestItem, Item, RankRequest, SearchRequest
from scenograph.gateway.uploads import Uploads
from scenograph.gateway.validation import check_search
from scenograph.gateway.writes import Writer
from scenograph.runtime.cache.contract import Cache
from scenograph.runtime.contracts import Collection, Index
from scenograph.runtime.telemetry.metrics import UNREAD, Metrics
from scenograph.scene.errors import InvalidInput, PackMismatch


class GatewayApp:
    """What the gateway can do, a collection by the engine of its pack. `cache` is shared by gateways, or this
    process's own.

    Errors are those of `scenograph.scene.errors`; an item's own error is its outcome and never raised.
    """

    def __init__(
        self,
        engines: Engines,
        *,
        index: Index,
        cache: Cache,
        uploads: Uploads,
        limits: Limits,
        metrics: Metrics = UNREAD,
    ) -> None:
        self._engines = engines
        self._cache = cache
        self._limits = limits
        self._uploads = uploads
        self._erasure = Erasure(engines, cache, uploads)
        self._collections = Collections(index, engines, self._erasure)
        self._meter = Meter(metrics)
        writer = Writer(index, self._collections, uploads, self._meter, limits=limits)
        self._ingestor = Ingestor(self._collections, writer, limits)

    @property
    def meter(self) -> Meter:
        """For who answers from what was answered before."""
        return self._meter

    @property
    def erasure(self) -> Erasure:
        """For who else keeps answers."""
        return self._erasure

    @property
    def collections(self) -> Collections:
        """Collections and stored items."""
        return self._collections

    def ingest(self, requests: AsyncIterator[IngestItem]) -> AsyncGenerator[Outcome, None]:
        """Outcomes in the order of arrival; an item's error never ends the stream."""
        return self._ingestor.stream(requests)

    async def batch_ingest(
        self, collection: str, items: Sequence[Item], request_id: str = ""
    ) -> list[Outcome]:
        """One outcome for each item, in order. Raises DuplicateItem for the whole batch."""
        return await self._ingestor.batch(collection, items, request_id)

    async def search(self, request: SearchRequest, collection: Collection | None = None) -> SearchPage:
        """A page of hits, best first. `collection`: what the request's was just now, where that is known."""
        request = check_search(request)
        try:
            page = await self._search(request, collection)
        except PackMismatch:
            page = await self._search(request)  # re-encoded meanwhile: the collection has another pack now
        self._meter.searched(page.report)
        return page

    async def search_stream(self, request: SearchRequest) -> AsyncGenerator[StagePage, None]:
        """The first page as each stage sees it."""
        try:
            request, begun = check_search(request), False
            async with aclosing(self._stream(request)) as pages:
                async for page in pages:
                    begun = True
                    yield page
        except PackMismatch:
            if begun:
                raise
            async with aclosing(self._stream(request)) as pages:  # re-encoded meanwhile, as in `search`
                async for page in pages:
                    yield page
        except InvalidInput as error:
            raise under("search", error) from error.__cause__

    async def rank(self, request: RankRequest) -> tuple[list[Hit], Report]:
        """All candidates of the call, best first."""
        with self._engines.use() as engine:
            hits, report = await engine.ranker.rank(request)
        self._meter.ranked(report)
        return hits, report

    async def upload(self, chunks: AsyncIterator[bytes]) -> Upload:
        """Keeps a large image for the request that will use it."""
        return await self._uploads.receive(chunks)

    def info(self) -> Info:
        """What is running."""
        with self._engines.use() as engine:
            pack = engine.pack
        return Info(
            version=version("scenograph"),
            pack_name=pack.name,
            pack_version=pack.version,
            embedding_size=pack.embedding_size,
            code_bits=pack.code_bits,
            max_message_bytes=self._limits.max_message_bytes,
            max_image_pixels=self._limits.max_image_pixels,
            max_upload_bytes=self._limits.max_upload_bytes,
            cache=self._cache.name,
            levels={level.name: level.weight for level in pack.levels},
        )

    async def _search(self, request: SearchRequest, known: Collection | None = None) -> SearchPage:
        async with self._collections.of(request.collection, known) as (engine, collection):
            return await engine.searcher.search(request, collection)

    async def _stream(self, request: SearchRequest) -> AsyncGenerator[StagePage, None]:
        async with self._collections.of(request.collection) as (engine, collection):
            async with aclosing(engine.searcher.stream(request, collection)) as pages:
                async for page in pages:
                    if page.final:
                        self._meter.searched(page.page.report)
                    yield page
