"""The three stages of a search: Hamming distance, cosine, graph matching with fusion."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scenograph.gateway.deadlines import Estimates, StageTimes, graph_budget, time_box
from scenograph.gateway.fusion import Scores, fuse, without_graph
from scenograph.gateway.graphstage import GraphStage, WeightedGraph
from scenograph.gateway.lacks import Lack
from scenograph.gateway.levels import scaled_levels
from scenograph.gateway.packs import PackInfo
from scenograph.gateway.prepared import SKIPPABLE, Prepared
from scenograph.gateway.ranked import RankedHit, Ranking
from scenograph.gateway.requests import FusionWeights, SearchRequest, Stage
from scenograph.runtime.contracts import Collection, Index, IndexAnswer, IndexHit, IndexQuery
from scenograph.runtime.telemetry.spans import span
from scenograph.scene.alignment import Alignment
from scenograph.scene.errors import DeadlineExceeded
from scenograph.scene.graph import SceneGraph

GRAPHS_IN_SEARCH = 1000  # the index's answer carries at most so many graphs; further ones are read by id
GRAPHS_IN_GET = 64  # each a whole item's, texts and units and all


class Ranker:
    """Ranks a collection's entries for a prepared query."""

    def __init__(self, index: Index, stage: GraphStage, pack: PackInfo, estimates: Estimates) -> None:
        self._index = index
        self._stage = stage
        self._pack = pack
        self._estimates = estimates

    def weights(self, request: SearchRequest) -> FusionWeights:
        """The request's weights, or the pack's own."""
        return request.options.weights or self._pack.fusion

    async def search(
        self, request: SearchRequest, query: Prepared, bits: int, times: StageTimes
    ) -> IndexAnswer:
        """The first two stages, in the index: hits by cosine, or by distance where the coarse stage is the
        last.
        """
        options = request.options
        with times.measure("search"):
            answer = await self._index.search(
                request.collection,
                IndexQuery(
                    code=query.code,
                    bit_weights=query.bit_weights,
                    bits=bits,
                    pack_version=self._pack.version,
                    embedding=None if options.last_stage is Stage.COARSE else query.embedding,
                    modality=request.returning,
                    filter=request.filter,
                    coarse_candidates=options.coarse_candidates,
                    with_graphs=min(_head_size(request, query), GRAPHS_IN_SEARCH),
                    levels=scaled_levels(
                        self._pack.levels, options.level_weights, field="options.level_weights"
                    ),
                    exact=options.exact,
                ),
            )
        times.inside("search", answer.timings)
        return answer

    def by_hamming(self, request: SearchRequest, collection: Collection, answer: IndexAnswer) -> Ranking:
        """The ranking as the coarse stage sees it."""
        hits = [
            RankedHit(hit.item_id, hit.modality, hit.ordinal, coarse, coarse, 0.0, 0.0, Stage.COARSE)
            for hit, coarse in zip(answer.hits, _similarities(answer.hits).tolist(), strict=True)
        ]
        return _ranking(_sorted(hits), (), answer, collection, rescored=0)

    def by_cosine(self, request: SearchRequest, collection: Collection, answer: IndexAnswer) -> Ranking:
        """The ranking as the float stage sees it: fused from distance and cosine."""
        with span("fuse"):
            hits = _float_hits(answer.hits, without_graph(self.weights(request)))
        return _ranking(hits, (), answer, collection, rescored=len(answer.hits))

    async def refine(
        self,
        request: SearchRequest,
        query: Prepared,
        collection: Collection,
        answer: IndexAnswer,
        times: StageTimes,
    ) -> Ranking:
        """The final ranking.

        Without the time or the service for the graph stage it is the float stage's, degraded.

        A query with hard parts cannot do without: it raises DeadlineExceeded or Unavailable then.
        """
        count = min(len(answer.hits), _head_size(request, query))
        degraded = query.degraded if request.options.last_stage is Stage.GRAPH else ""
        if not count:
            floated = self.by_cosine(request, collection, answer)
            return replace(floated, graphs=query.graphs, degraded=degraded)
        try:
            head = await self._timed_head(request, query, collection, answer.hits[:count], times)
        except SKIPPABLE as error:
            if query.hard:
                raise
            reason = Lack.MATCH.because(error)
            floated = self.by_cosine(request, collection, answer)
            return replace(floated, graphs=query.graphs, degraded="; ".join(filter(None, (degraded, reason))))
        weights = without_graph(self.weights(request))
        lowest = min((hit.score for hit in head), default=math.inf)
        tail = _float_hits(answer.hits[count:], weights, ceiling=lowest)
        hits = _sorted(head) + tail
        ranking = _ranking(hits, query.graphs, answer, collection, rescored=len(answer.hits))
        return replace(ranking, degraded=degraded, graph_candidates=count)

    async def _timed_head(
        self,
        request: SearchRequest,
        query: Prepared,
        collection: Collection,
        found: Sequence[IndexHit],
        times: StageTimes,
    ) -> list[RankedHit]:
        """The matched hits within the stage's budget; not begun where it will not do, unless the query is
        hard.
        """
        budget = graph_budget(self._estimates)
        work = len(found) * len(query.graphs)
        expected = self._estimates.expected("match", work)
        if budget is not None and expected > budget and not query.hard:
            self._estimates.forgive("match")
            raise DeadlineExceeded(f"{budget * 1000:.0f} ms are too short for {len(found)} graphs")
        started = time.monotonic()
        try:
            with times.measure("match"):
                async with time_box(budget, "the graph stage"):
                    head = await self._head(request, query, collection, found)
        except DeadlineExceeded:
            self._estimates.exceeded("match", time.monotonic() - started, work)
            raise
        self._estimates.observe("match", time.monotonic() - started, work)
        return head

    async def _head(
        self, request: SearchRequest, query: Prepared, collection: Collection, found: Sequence[IndexHit]
    ) -> list[RankedHit]:
        """The matched hits, those that fail a hard part left out."""
        kept, graphs = await self._graphs(request.collection, found)
        alignments = await self._stage.match(query.graphs, graphs, weights=request.options.match_weights)
        with span("fuse"):
            return self._fused(request, kept, alignments)

    def _fused(
        self, request: SearchRequest, kept: Sequence[IndexHit], alignments: Sequence[Alignment]
    ) -> list[RankedHit]:
        coarse = _similarities(kept)
        cosine = np.array([hit.cosine for hit in kept], dtype=np.float64)
        agreement = np.array([alignment.score for alignment in alignments], dtype=np.float64)
        scores = fuse(self.weights(request), coarse, cosine, agreement)
        columns = zip(kept, alignments, scores.tolist(), coarse.tolist(), agreement.tolist(), strict=True)
        return [
            RankedHit(
                hit.item_id,
                hit.modality,
                hit.ordinal,
                score,
                near,
                hit.cosine,
                graph,
                Stage.GRAPH,
                hit.level_cosines,
            )
            for hit, alignment, score, near, graph in columns
            if alignment.satisfied
        ]

    async def _graphs(
        self, collection: str, found: Sequence[IndexHit]
    ) -> tuple[list[IndexHit], list[SceneGraph]]:
        """The hits with their graphs.

        Those past the ones that the search carried are read by id; deleted ones fall out.
        """
        graphs = {place: hit.graph or SceneGraph() for place, hit in enumerate(found[:GRAPHS_IN_SEARCH])}
        for start in range(GRAPHS_IN_SEARCH, len(found), GRAPHS_IN_GET):
            chunk = found[start : start + GRAPHS_IN_GET]
            records, _ = await self._index.get(collection, list(dict.fromkeys(hit.item_id for hit in chunk)))
            entries = {
                (record.id, entry.modality, entry.ordinal): entry.graph
                for record in records
                for entry in record.entries
            }
            for place, hit in enumerate(chunk, start):
                key = (hit.item_id, hit.modality, hit.ordinal)
                if key in entries:
                    graphs[place] = entries[key] or SceneGraph()
        return [found[place] for place in graphs], list(graphs.values())


def _head_size(request: SearchRequest, query: Prepared) -> int:
    """K2: how many of the best candidates the graph stage matches."""
    options = request.options
    if options.last_stage is not Stage.GRAPH or not query.graphs:
        return 0
    return (
        max(options.graph_candidates, options.coarse_candidates) if query.hard else options.graph_candidates
    )


def _similarities(hits: Sequence[IndexHit]) -> Scores:
    return 1.0 - np.array([hit.distance for hit in hits], dtype=np.float64)


def _float_hits(
    hits: Sequence[IndexHit], weights: FusionWeights, *, ceiling: float = math.inf
) -> list[RankedHit]:
    """Hits that were not matched, best first, none scored above `ceiling`: scores never rise in a ranking."""
    near = _similarities(hits)
    cosine = np.array([hit.cosine for hit in hits], dtype=np.float64)
    scores = fuse(weights, near, cosine, np.zeros(len(hits))).tolist()
    columns = zip(hits, scores, near.tolist(), strict=True)
    order = sorted(columns, key=lambda row: (-row[1], row[0].item_id, row[0].modality, row[0].ordinal))
    return [
        RankedHit(
            hit.item_id,
            hit.modality,
            hit.ordinal,
            min(score, ceiling),
            coarse,
            hit.cosine,
            0.0,
            Stage.FLOAT,
            hit.level_cosines,
        )
        for hit, score, coarse in order
    ]


def _sorted(hits: Sequence[RankedHit]) -> list[RankedHit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.item_id, hit.modality, hit.ordinal))


def _ranking(
    hits: Sequence[RankedHit],
    graphs: tuple[WeightedGraph, ...],
    answer: IndexAnswer,
    collection: Collection,
    *,
    rescored: int,
) -> Ranking:
    return Ranking(
        hits=tuple(hits),
        graphs=graphs,
        considered=answer.considered,
        coarse_candidates=len(answer.hits),
        float_candidates=rescored,
        graph_candidates=0,
        degraded="",
        collection_version=answer.version,
        collection_born=collection.create_time,
    )
