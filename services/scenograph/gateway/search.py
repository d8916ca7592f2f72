"""A search from request to page: prepare, rank or find the kept ranking, cut the page, report."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scenograph.gateway.admission import Admission
from scenograph.gateway.answers import CacheStatus, Report, SearchPage, StagePage
from scenograph.gateway.deadlines import Estimates, StageTimes
from scenograph.gateway.digests import collection_prefix, ranking_key, request_digest, view_key
from scenograph.gateway.graphstage import GraphStage, query_graph
from scenograph.gateway.kept import Erased, KeptRankings
from scenograph.gateway.packs import PackInfo
from scenograph.gateway.pages import Pages
from scenograph.gateway.prepared import Prepared
from scenograph.gateway.query import QueryPreparer
from scenograph.gateway.ranked import Ranking, order_digest
from scenograph.gateway.ranking import Ranker
from scenograph.gateway.requests import ImageSource, QueryPart, SearchRequest, Stage, StoredSource
from scenograph.gateway.tokens import PageToken, read_token, write_token
from scenograph.gateway.uploads import Uploads
from scenograph.runtime.cache.keys import cache_key
from scenograph.runtime.cache.single_flight import SingleFlight
from scenograph.runtime.contracts import Collection, Index, IndexAnswer
from scenograph.scene.errors import InvalidInput, PageTokenExpired, UploadNotFound


@dataclass(frozen=True, slots=True)
class _Ranked:
    """A ranking, the key under which it is kept, and what the cache did."""

    ranking: Ranking
    key: str
    cache: CacheStatus


class Searcher:
    """Searches collections of one pack. Requests are checked already (`validation.check_search`)."""

    def __init__(
        self,
        index: Index,
        preparer: QueryPreparer,
        stage: GraphStage,
        kept: KeptRankings,
        uploads: Uploads,
        pack: PackInfo,
        admission: Admission,
    ) -> None:
        estimates = Estimates()
        self._admission = admission
        self._preparer = preparer
        self._ranker = Ranker(index, stage, pack, estimates)
        self._pages = Pages(index, stage, estimates, pack.levels)
        self._kept = kept
        self._uploads = uploads
        self._pack = pack
        self._flights: SingleFlight[_Ranked] = SingleFlight()

    async def search(self, request: SearchRequest, collection: Collection) -> SearchPage:
        """A page of hits.

        Errors: InvalidInput, InvalidPageToken, PageTokenExpired, NotFound, PackMismatch, DeadlineExceeded,
        QueueFull (there are too many searches already, and this one's answer is not in the cache).
        """
        times = StageTimes()
        if request.page_token:
            token = read_token(request.page_token, request_digest(request))
            ranked = await self._continued(request, collection, token, times)
            return await self._page(request, ranked, token.offset, times)
        parts = await self._uploads.resolve(request.query)
        ranked = await self._found(request, collection, parts) or await self._shared(
            request, collection, parts, times
        )
        page = await self._page(request, ranked, 0, times)
        await self._uploads.use_up(_upload_ids(request))
        return page

    async def stream(self, request: SearchRequest, collection: Collection) -> AsyncGenerator[StagePage, None]:
        """The first page as each stage sees it; the last one is what `search` answers.

        A kept ranking comes at once.
        """
        if request.page_token:
            raise InvalidInput("a staged search begins at the first page", field="page_token")
        times = StageTimes()
        parts = await self._uploads.resolve(request.query)
        ranked = await self._found(request, collection, parts)
        if ranked is None:
            with self._kept.noting(request.collection) as erased:
                async with self._admission.turn():
                    query, answer = await self._candidates(request, collection, parts, times)
                last = request.options.last_stage
                if last > Stage.COARSE:
                    coarse = self._ranker.by_hamming(request, collection, answer)
                    yield await self._interim(request, coarse, Stage.COARSE, times)
                if last > Stage.FLOAT:
                    floated = self._ranker.by_cosine(request, collection, answer)
                    yield await self._interim(request, floated, Stage.FLOAT, times)
                async with self._admission.turn(again=True):
                    ranking = await self._final(request, query, collection, answer, times)
                ranked = await self._keep(request, collection, parts, ranking, erased)
        page = await self._page(request, ranked, 0, times)
        await self._uploads.use_up(_upload_ids(request))
        yield StagePage(request.options.last_stage, True, page)

    async def _found(
        self, request: SearchRequest, collection: Collection, parts: Sequence[QueryPart]
    ) -> _Ranked | None:
        if request.options.bypass_cache:
            return None
        key = self._key(request, collection, parts, collection.version)
        ranking = await self._kept.get(key)
        return None if ranking is None else _Ranked(ranking, key, CacheStatus.HIT)

    async def _shared(
        self, request: SearchRequest, collection: Collection, parts: Sequence[QueryPart], times: StageTimes
    ) -> _Ranked:
        """The ranking, computed once for all who ask for it at the same time.

        Another's lesser answer is not taken over.
        """
        mine = False

        def compute() -> Coroutine[Any, Any, _Ranked]:
            nonlocal mine
            mine = True
            return self._computed(request, collection, parts, times)

        if request.options.bypass_cache:
            return await compute()
        key = self._key(request, collection, parts, collection.version)
        ranked = await self._flights.run(key, compute)
        return ranked if mine or not ranked.ranking.degraded else await compute()

    async def _computed(
        self, request: SearchRequest, collection: Collection, parts: Sequence[QueryPart], times: StageTimes
    ) -> _Ranked:
        with self._kept.noting(request.collection) as erased:
            async with self._admission.turn():
                query, answer = await self._candidates(request, collection, parts, times)
                ranking = await self._final(request, query, collection, answer, times)
            return await self._keep(request, collection, parts, ranking, erased)

    async def _candidates(
        self, request: SearchRequest, collection: Collection, parts: Sequence[QueryPart], times: StageTimes
    ) -> tuple[Prepared, IndexAnswer]:
        query = await self._preparer.prepare(
            parts,
            collection.bits,
            times,
            collection=request.collection,
            bypass_cache=request.options.bypass_cache,
            parse=request.options.last_stage is Stage.GRAPH,
        )
        return query, await self._ranker.search(request, query, collection.bits, times)

    async def _final(
        self,
        request: SearchRequest,
        query: Prepared,
        collection: Collection,
        answer: IndexAnswer,
        times: StageTimes,
    ) -> Ranking:
        if request.options.last_stage is Stage.COARSE:
            ranking = self._ranker.by_hamming(request, collection, answer)
        else:
            ranking = await self._ranker.refine(request, query, collection, answer, times)
        asked = tuple(part.source.item_id for part in request.query if isinstance(part.source, StoredSource))
        return replace(
            ranking,
            pack_version=self._pack.version,
            collection=request.collection,
            view=view_key(),
            asked=asked,
        )

    async def _keep(
        self,
        request: SearchRequest,
        collection: Collection,
        parts: Sequence[QueryPart],
        ranking: Ranking,
        erased: Erased,
    ) -> _Ranked:
        """Keeps a ranking for the same question; a degraded or uncached one for its own pages alone."""
        if ranking.degraded:
            key = collection_prefix(collection.name) + cache_key("degraded ranking", secrets.token_bytes(16))
        else:
            key = self._key(request, collection, parts, ranking.collection_version)
        share = not request.options.bypass_cache
        status = await self._kept.put(key, ranking, erased, share=share)
        return _Ranked(ranking, key, status)

    async def _continued(
        self, request: SearchRequest, collection: Collection, token: PageToken, times: StageTimes
    ) -> _Ranked:
        """The ranking that a token continues: the kept one, or the very same computed anew."""
        ranking = await self._kept.get(token.ranking)
        cache = CacheStatus.HIT
        if ranking is None:
            ranking = await self._again(request, collection, token, times)
            cache = CacheStatus.MISS
        mine = (
            ranking is not None
            and ranking.pack_version == self._pack.version
            and (ranking.collection, ranking.view) == (collection.name, view_key())
        )
        if ranking is None or not mine or ranking.collection_born != collection.create_time:
            raise PageTokenExpired("the ranking is no longer kept; search again from the first page")
        if request.options.bypass_cache:
            cache = CacheStatus.BYPASS
        return _Ranked(ranking, token.ranking, cache)

    async def _again(
        self, request: SearchRequest, collection: Collection, token: PageToken, times: StageTimes
    ) -> Ranking | None:
        try:
            parts = await self._uploads.resolve(request.query)
        except UploadNotFound:
            return None
        if self._key(request, collection, parts, collection.version) != token.ranking:
            return None
        ranked = await self._shared(request, collection, parts, times)
        same = ranked.key == token.ranking and order_digest(ranked.ranking) == token.order
        return ranked.ranking if same else None

    async def _page(
        self, request: SearchRequest, ranked: _Ranked, offset: int, times: StageTimes
    ) -> SearchPage:
        ranking = ranked.ranking
        page = await self._pages.page(
            request.collection,
            ranking,
            offset,
            request.page_size,
            times,
            explain=request.explain,
            weights=request.options.match_weights,
        )
        token = ""
        if page.next_offset is not None:
            order = order_digest(ranking)
            token = write_token(PageToken(request_digest(request), ranked.key, page.next_offset, order))
        degraded = "; ".join(filter(None, (ranking.degraded, page.degraded)))
        report = self._report(request, replace(ranking, degraded=degraded), ranked.cache, times)
        return SearchPage(page.hits, token, report)

    async def _interim(
        self, request: SearchRequest, ranking: Ranking, stage: Stage, times: StageTimes
    ) -> StagePage:
        page = await self._pages.page(
            request.collection, ranking, 0, request.page_size, times, explain=False, weights=None
        )
        report = self._report(replace(request, explain=False), ranking, CacheStatus.UNSPECIFIED, times)
        return StagePage(stage, False, SearchPage(page.hits, "", report))

    def _report(
        self, request: SearchRequest, ranking: Ranking, cache: CacheStatus, times: StageTimes
    ) -> Report:
        return Report(
            timings=times.so_far(),
            considered=ranking.considered,
            coarse_candidates=ranking.coarse_candidates,
            float_candidates=ranking.float_candidates,
            graph_candidates=ranking.graph_candidates,
            cache=cache,
            degraded=bool(ranking.degraded),
            degraded_reason=ranking.degraded,
            pack_version=self._pack.version,
            collection_version=ranking.collection_version,
            query_graph=query_graph(ranking.graphs) if request.explain else None,
        )

    def _key(
        self, request: SearchRequest, collection: Collection, parts: Sequence[QueryPart], version: int
    ) -> str:
        weights = self._ranker.weights(request)
        return ranking_key(request, parts, weights, collection, version, self._pack.version)


def _upload_ids(request: SearchRequest) -> list[str]:
    return [
        part.source.upload_id
        for part in request.query
        if isinstance(part.source, ImageSource) and part.source.upload_id
    ]
