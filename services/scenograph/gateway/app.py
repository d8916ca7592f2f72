"""The gateway's parts put together. Nothing here knows of gRPC."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from importlib.metadata import version
from pathlib import Path

from scenograph.gateway.admission import Admission
from scenograph.gateway.answers import Hit, Info, Outcome, Report, SearchPage, StagePage, Upload
from scenograph.gateway.collections import Collections
from scenograph.gateway.entries import EntryMaker
from scenograph.gateway.graphstage import GraphStage
from scenograph.gateway.ingest import Ingestor
from scenograph.gateway.kept import KeptRankings
from scenograph.gateway.limits import Limits
from scenograph.gateway.meter import Meter
from scenograph.gateway.packs import PackInfo
from scenograph.gateway.query import QueryPreparer
from scenograph.gateway.rank import RankService
from scenograph.gateway.requests import IngestItem, Item, RankRequest, SearchRequest
from scenograph.gateway.search import Searcher
from scenograph.gateway.uploads import Uploads
from scenograph.gateway.writes import Writer
from scenograph.runtime.cache.contract import Cache
from scenograph.runtime.contracts import (
    Collection,
    Encoder,
    Hashing,
    Index,
    Matching,
    TextualGraphs,
    VisualGraphs,
)
from scenograph.runtime.telemetry.metrics import UNREAD, Metrics


class GatewayApp:
    """What the gateway can do. `folder` keeps uploads; `cache` is shared by gateways, or this process's
    own.

    Errors are those of `scenograph.scene.errors`; an item's own error is its outcome and never raised.
    """

    def __init__(
        self,
        *,
        visual: VisualGraphs,
        textual: TextualGraphs,
        encoder: Encoder,
        hashing: Hashing,
        matching: Matching,
        index: Index,
        cache: Cache,
        pack: PackInfo,
        folder: Path,
        limits: Limits | None = None,
        metrics: Metrics = UNREAD,
    ) -> None:
        limits = limits or Limits()
        stage = GraphStage(matching, pack)
        preparer = QueryPreparer(
            visual, textual, encoder, hashing, index, cache, pack, limits.query_ttl_s, metrics
        )
        maker = EntryMaker(visual, textual, encoder, hashing, pack)
        kept = KeptRankings(cache, most_hits=limits.kept_hits, ttl_s=limits.ranking_ttl_s)
        self._cache = cache
        self._pack = pack
        self._limits = limits
        self._uploads = Uploads(folder, limits)
        self._collections = Collections(index, pack)
        self._meter = Meter(metrics)
        writer = Writer(index, self._collections, maker, self._uploads, pack, self._meter)
        self._ingestor = Ingestor(self._collections, writer, limits)
        admission = Admission(
            at_once=limits.searches,
            waiting=limits.waiting_searches,
            wait_s=limits.search_wait_s,
            metrics=metrics,
        )
        self._searcher = Searcher(
            index, self._collections, preparer, stage, kept, self._uploads, pack, admission
        )
        self._rank = RankService(preparer, maker, stage, self._uploads, pack)

    @property
    def meter(self) -> Meter:
        """For who answers from what was answered before."""
        return self._meter

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
        page = await self._searcher.search(request, collection)
        self._meter.searched(page.report)
        return page

    async def search_stream(self, request: SearchRequest) -> AsyncGenerator[StagePage, None]:
        """The first page as each stage sees it."""
        async with aclosing(self._searcher.stream(request)) as pages:
            async for page in pages:
                if page.final:
                    self._meter.searched(page.page.report)
                yield page

    async def rank(self, request: RankRequest) -> tuple[list[Hit], Report]:
        """All candidates of the call, best first."""
        hits, report = await self._rank.rank(request)
        self._meter.ranked(report)
        return hits, report

    async def upload(self, chunks: AsyncIterator[bytes]) -> Upload:
        """Keeps a large image for the request that will use it."""
        return await self._uploads.receive(chunks)

    def info(self) -> Info:
        """What is running."""
        return Info(
            version=version("scenograph"),
            pack_name=self._pack.name,
            pack_version=self._pack.version,
            embedding_size=self._pack.embedding_size,
            code_bits=self._pack.code_bits,
            max_message_bytes=self._limits.max_message_bytes,
            max_image_pixels=self._limits.max_image_pixels,
            max_upload_bytes=self._limits.max_upload_bytes,
            cache=self._cache.name,
            levels={level.name: level.weight for level in self._pack.levels},
        )
