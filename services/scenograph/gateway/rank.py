"""Rank: one query against candidates given in the call, scored as a search would score them; nothing is
stored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scenograph.gateway.admission import Admission
from scenograph.gateway.answers import CacheStatus, Hit, Report, ScoreParts
from scenograph.gateway.deadlines import Estimates, StageTimes, graph_budget, time_box
from scenograph.gateway.entries import EntryMaker, Made
from scenograph.gateway.fields import at_field
from scenograph.gateway.fusion import Scores, fuse, without_graph
from scenograph.gateway.graphstage import GraphStage, query_graph
from scenograph.gateway.lacks import Lack
from scenograph.gateway.levels import scaled_levels
from scenograph.gateway.packs import PackInfo
from scenograph.gateway.prepared import SKIPPABLE, Prepared
from scenograph.gateway.query import QueryPreparer
from scenograph.gateway.requests import Candidate, ImageSource, RankRequest, Stage, TextSource
from scenograph.gateway.tasks import both
from scenograph.gateway.uploads import Uploads
from scenograph.gateway.validation import check_rank
from scenograph.runtime.contracts import DEFAULT_BITS, Entry, Level
from scenograph.runtime.levels import cosines, differing_shares
from scenograph.scene.alignment import Alignment
from scenograph.scene.errors import ScenographError
from scenograph.scene.graph import SceneGraph


class RankService:
    """Ranks candidates."""

    def __init__(
        self,
        preparer: QueryPreparer,
        maker: EntryMaker,
        stage: GraphStage,
        uploads: Uploads,
        pack: PackInfo,
        admission: Admission,
    ) -> None:
        self._admission = admission
        self._preparer = preparer
        self._maker = maker
        self._stage = stage
        self._uploads = uploads
        self._pack = pack
        self._estimates = Estimates()

    async def rank(self, request: RankRequest) -> tuple[list[Hit], Report]:
        """All candidates best first, ties in the order given; those that fail a hard part are left out.

        Raises InvalidInput naming the first candidate that is no image or no text ("candidates[2].image"),
        QueueFull where there are too many ranks already.
        """
        request = check_rank(request)
        levels = scaled_levels(self._pack.levels, request.level_weights, field="level_weights")
        async with self._admission.turn():
            return await self._ranked(request, levels)

    async def _ranked(self, request: RankRequest, levels: Sequence[Level]) -> tuple[list[Hit], Report]:
        times = StageTimes()
        parts = await self._uploads.resolve(request.query)
        query, entries = await both(
            self._preparer.prepare(parts, DEFAULT_BITS, times), self._entries(request.candidates, times)
        )
        weights = request.weights or self._pack.fusion
        alignments, degraded = await self._align(query, entries, times, request)
        coarse, cosine, own = _near(query, entries, levels)
        agreement = np.array([alignment.score for alignment in alignments or ()], dtype=np.float64)
        if alignments is None:
            agreement, weights = np.zeros(len(entries)), without_graph(weights)
        scores = fuse(weights, coarse, cosine, agreement)
        hits = [
            Hit(
                item_id=candidate.id or str(place),
                modality=entry.modality,
                ordinal=0,
                text=entry.text,
                score=float(scores[place]),
                parts=ScoreParts(
                    float(coarse[place]),
                    float(cosine[place]),
                    float(agreement[place]),
                    Stage.FLOAT if alignments is None else Stage.GRAPH,
                    {level.name: near for level, near in zip(self._pack.levels, own[place], strict=True)},
                ),
                alignment=alignments[place] if alignments is not None and request.explain else None,
                graph=entry.graph if alignments is not None and request.explain else None,
            )
            for place, (candidate, entry) in enumerate(zip(request.candidates, entries, strict=True))
            if alignments is None or alignments[place].satisfied
        ]
        hits.sort(key=lambda hit: -hit.score)
        await self._uploads.use_up(_upload_ids(request))
        report = Report(
            timings=times.so_far(),
            considered=len(entries),
            coarse_candidates=len(entries),
            float_candidates=len(entries),
            graph_candidates=len(alignments or ()),
            cache=CacheStatus.BYPASS,
            degraded=bool(degraded),
            degraded_reason=degraded,
            pack_version=self._pack.version,
            query_graph=query_graph(query.graphs) if request.explain else None,
        )
        return hits, report

    async def _entries(self, candidates: Sequence[Candidate], times: StageTimes) -> list[Entry]:
        """An entry for each candidate. Raises the first one's error."""
        images: list[bytes] = []
        texts: list[str] = []
        for place, candidate in enumerate(candidates):
            match candidate.content:
                case TextSource(text):
                    texts.append(text)
                case ImageSource(content, ""):
                    images.append(content)
                case ImageSource(_, upload_id):
                    field = f"candidates[{place}].image.upload_id"
                    images.append(await self._uploads.read(upload_id, field=field))
        seen, said = await self._maker.make(images, texts, DEFAULT_BITS, times)
        from_images, from_texts = iter(seen), iter(said)
        return [
            _sound(next(from_texts), f"candidates[{place}].text")
            if isinstance(candidate.content, TextSource)
            else _sound(next(from_images), f"candidates[{place}].image")
            for place, candidate in enumerate(candidates)
        ]

    async def _align(
        self, query: Prepared, entries: Sequence[Entry], times: StageTimes, request: RankRequest
    ) -> tuple[list[Alignment] | None, str]:
        """The candidates' alignments; None, and why, where the graph stage was skipped or has nothing to
        say.
        """
        if not query.graphs:
            return None, query.degraded
        try:
            with times.measure("match"):
                async with time_box(graph_budget(self._estimates), "the graph stage"):
                    graphs = [entry.graph or SceneGraph() for entry in entries]
                    alignments = await self._stage.match(
                        query.graphs, graphs, explain=request.explain, weights=request.match_weights
                    )
                    return alignments, query.degraded
        except SKIPPABLE as error:
            if query.hard:
                raise
            reason = Lack.MATCH.because(error)
            return None, "; ".join(filter(None, (query.degraded, reason)))


def _near(
    query: Prepared, entries: Sequence[Entry], levels: Sequence[Level]
) -> tuple[Scores, Scores, list[list[float]]]:
    """Similarity of the codes and cosine of each entry, both (K,) float64, and its levels' cosines."""
    vectors = np.stack([entry.embedding for entry in entries if entry.embedding is not None])
    codes = np.stack([entry.code for entry in entries if entry.code is not None])
    whole, own = cosines(query.embedding, vectors, levels)
    coarse = 1.0 - differing_shares(query.code, codes, levels, query.bit_weights)
    return coarse, whole.astype(np.float64), own.tolist()


def _sound(made: Made, field: str) -> Entry:
    if isinstance(made, ScenographError):
        raise at_field(made, field)
    return made


def _upload_ids(request: RankRequest) -> list[str]:
    sources = [part.source for part in request.query] + [one.content for one in request.candidates]
    return [source.upload_id for source in sources if isinstance(source, ImageSource) and source.upload_id]
