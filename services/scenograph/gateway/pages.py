"""Pages of a ranking: the items as they are now, in the order in which they were ranked, explained where
asked for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scenograph.gateway.answers import Hit, ScoreParts
from scenograph.gateway.deadlines import Estimates, StageTimes, time_box
from scenograph.gateway.graphstage import GraphStage, WeightedGraph
from scenograph.gateway.lacks import Lack
from scenograph.gateway.packs import PackLevel
from scenograph.gateway.prepared import SKIPPABLE
from scenograph.gateway.ranked import RankedHit, Ranking
from scenograph.gateway.requests import Stage
from scenograph.runtime import deadline
from scenograph.runtime.contracts import Entry, Index, MatchWeights, Modality, Record
from scenograph.scene.graph import SceneGraph

BRIEF_GET = 1000  # records in one read without graphs
FULL_GET = 64  # records in one read with graphs and embeddings


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Hits, where the next page begins (None at the end), and why hits go unexplained, if they do."""

    hits: list[Hit]
    next_offset: int | None
    degraded: str = ""


class Pages:
    """Makes pages."""

    def __init__(
        self, index: Index, stage: GraphStage, estimates: Estimates, levels: Sequence[PackLevel]
    ) -> None:
        self._index = index
        self._stage = stage
        self._estimates = estimates
        self._levels = [level.name for level in levels]

    async def page(
        self,
        collection: str,
        ranking: Ranking,
        offset: int,
        size: int,
        times: StageTimes,
        *,
        explain: bool,
        weights: MatchWeights | None,
    ) -> Page:
        """Up to `size` hits from `offset` on. Items deleted since the ranking was made are passed over.

        `weights` are those of the ranking's graph stage.
        """
        started = time.monotonic()
        hits: list[Hit] = []
        with times.measure("page"):
            while len(hits) < size and offset < len(ranking.hits):
                ranked = ranking.hits[offset : offset + size - len(hits)]
                hits += await self._present(collection, ranked, explain=explain)
                offset += len(ranked)
        self._estimates.observe("page", time.monotonic() - started)
        degraded = ""
        if explain:
            with times.measure("explain"):
                hits, degraded = await self._explain(hits, ranking.graphs, weights)
        return Page(hits, offset if offset < len(ranking.hits) else None, degraded)

    async def _present(self, collection: str, ranked: Sequence[RankedHit], *, explain: bool) -> list[Hit]:
        ids = list(dict.fromkeys(hit.item_id for hit in ranked if hit.item_id))
        records: dict[str, Record] = {}
        for start in range(0, len(ids), size := FULL_GET if explain else BRIEF_GET):
            found, _ = await self._index.get(collection, ids[start : start + size], brief=not explain)
            records.update({record.id: record for record in found})
        hits = []
        for hit in ranked:
            record = records.get(hit.item_id)
            entry = _entry(record, hit) if record is not None else None
            if record is not None and entry is not None:
                hits.append(self._hit(hit, record, entry, explain=explain))
        return hits

    def _hit(self, ranked: RankedHit, record: Record, entry: Entry, *, explain: bool) -> Hit:
        stage = Stage(ranked.stage)
        levels = dict(zip(self._levels, ranked.levels, strict=False))  # none where no cosine was computed
        return Hit(
            item_id=ranked.item_id,
            modality=Modality(ranked.modality),
            ordinal=ranked.ordinal,
            text=entry.text,
            score=ranked.score,
            parts=ScoreParts(ranked.coarse, ranked.cosine, ranked.graph, stage, levels),
            graph=entry.graph if explain and stage is Stage.GRAPH else None,
            metadata=record.metadata,
        )

    async def _explain(
        self, hits: list[Hit], graphs: Sequence[WeightedGraph], weights: MatchWeights | None
    ) -> tuple[list[Hit], str]:
        """The hits that the graph stage saw, with alignments; without them, and why, where the time or the
        service is gone.
        """
        seen = [place for place, hit in enumerate(hits) if hit.parts.stage is Stage.GRAPH]
        if not seen or not graphs:
            return hits, ""
        try:
            async with time_box(_explain_budget(), "the explanation of the page"):
                candidates = [hits[place].graph or SceneGraph() for place in seen]
                alignments = await self._stage.match(graphs, candidates, explain=True, weights=weights)
        except SKIPPABLE as error:
            return [replace(hit, graph=None) for hit in hits], Lack.EXPLAIN.because(error)
        explained = list(hits)
        for place, alignment in zip(seen, alignments, strict=True):
            explained[place] = replace(hits[place], alignment=alignment)
        return explained, ""


def _explain_budget() -> float | None:
    left = deadline.remaining()
    return None if left is None else left * 0.9


def _entry(record: Record, hit: RankedHit) -> Entry | None:
    """What was found, as the record has it now; None where an update took it away."""
    return next(
        (
            entry
            for entry in record.entries
            if entry.modality == hit.modality and entry.ordinal == hit.ordinal
        ),
        None,
    )
