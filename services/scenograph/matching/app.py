"""MatchingApp: scores candidate graphs against a query graph and tells what met what."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from scenograph.matching.compare import compare, matcher_inputs
from scenograph.matching.learned import MODEL as UNIT_MODEL
from scenograph.matching.learned import is_seen, learned_matches
from scenograph.matching.mixing import WEIGHTS, mixed
from scenograph.runtime.checks import check_count
from scenograph.runtime.contracts import FloatArray, MatchBatch, MatchWeights
from scenograph.runtime.sessions import Arrays, Sessions
from scenograph.runtime.texts import WordVectors
from scenograph.runtime.units import TextUnitMaker
from scenograph.scene.alignment import Alignment
from scenograph.scene.errors import FailedPrecondition, InvalidInput
from scenograph.scene.graph import GraphQuery, SceneGraph
from scenograph.scene.matching import Job, Matcher
from scenograph.scene.structure import join
from scenograph.scene.telling import told
from scenograph.scene.vocabulary import Vocabulary

MODEL = "graph_matcher"
MAX_CANDIDATES = 4096
MAX_QUERY_NODES = 64
MAX_QUERY_EDGES = 512


class MatchingApp:
    """Lays a query on candidate graphs (contracts.Matching).

    `units` makes the units of queries that come without; None for a pack without a learned matcher. `weights`
    are the pack's own of the two agreements.
    """

    def __init__(
        self,
        sessions: Sessions,
        words: WordVectors,
        vocabulary: Vocabulary | None = None,
        *,
        units: TextUnitMaker | None = None,
        weights: MatchWeights = WEIGHTS,
    ) -> None:
        self._sessions = sessions
        self._words = words
        self._vocabulary = vocabulary or Vocabulary.load()
        self._matcher = Matcher(self._vocabulary)
        self._units = units
        self._weights = weights

    async def match(
        self,
        query: GraphQuery,
        candidates: Sequence[SceneGraph],
        *,
        explain: bool = False,
        weights: MatchWeights | None = None,
    ) -> MatchBatch:
        """One alignment for each candidate, in order.

        Errors: InvalidInput (no or too many candidates; a query without nodes, or with too many
        nodes or edges),
        FailedPrecondition (the learned agreement alone of a pack that learned none), QueueFull.
        """
        check_count(candidates, MAX_CANDIDATES, "candidates")
        asked = sum(len(graph.nodes) for graph in (query.required, query.forbidden, query.optional))
        if not 1 <= asked <= MAX_QUERY_NODES:
            raise InvalidInput(f"takes a query of 1 to {MAX_QUERY_NODES} nodes, not {asked}", field="query")
        related = sum(len(graph.edges) for graph in (query.required, query.forbidden, query.optional))
        if related > MAX_QUERY_EDGES:
            message = f"takes a query of at most {MAX_QUERY_EDGES} edges, not {related}"
            raise InvalidInput(message, field="query")
        if self._units is None and weights is not None and not weights.symbolic:
            raise FailedPrecondition(f"pack {self._sessions.pack.id} has no learned matcher")
        start = time.perf_counter()
        found: list[Alignment | None] = [None] * len(candidates)
        for job in await self._sessions.offload(self._matcher.plan, query, candidates):
            words = job.words()
            vectors = await self._words.of(words)
            alignments = await self._sessions.offload(self._score, job, words, vectors, explain)
            for place, alignment in zip(job.places, alignments, strict=True):
                found[place] = alignment
        alignments = [alignment for alignment in found if alignment is not None]
        chosen = weights or self._weights
        if self._units is not None and chosen.learned:
            whole = await self._asked(query, self._units)
            learned = await self._sessions.offload(learned_matches, whole, candidates, self._infer_units)
            seen = whole.units is not None and is_seen(whole.units)
            alignments = [
                mixed(
                    alignment,
                    match,
                    whole,
                    candidate,
                    chosen,
                    told=self._matcher.told(candidate) if seen else None,
                    explain=explain,
                )
                for alignment, match, candidate in zip(alignments, learned, candidates, strict=True)
            ]
        timings = {"match": (time.perf_counter() - start) * 1e3}
        return MatchBatch(alignments, self._sessions.pack.id, timings)

    @staticmethod
    async def _asked(query: GraphQuery, units: TextUnitMaker) -> SceneGraph:
        """What is asked for, with units: its parts' own, or those of a sentence that says it."""
        parts = [graph for graph in (query.required, query.optional) if graph.nodes]
        whole = join([query.required, query.optional])
        if not parts or all(graph.units is not None for graph in parts) or whole.tags:
            return whole
        text, spoken = told(whole)
        return (await units.add([text], [spoken]))[0] if text else whole

    def _score(self, job: Job, words: list[str], vectors: FloatArray, explain: bool) -> list[Alignment]:
        known = dict(zip(words, vectors, strict=True))
        inputs = matcher_inputs(job.description, job.evidence, known, self._vocabulary)
        return self._matcher.score(job, compare(inputs, self._infer), explain=explain)

    def _infer(self, inputs: Arrays) -> dict[str, FloatArray]:
        answer = self._sessions.infer(MODEL, inputs)
        return {name: np.asarray(value, dtype=np.float32) for name, value in answer.items()}

    def _infer_units(self, inputs: Arrays) -> Arrays:
        return self._sessions.infer(UNIT_MODEL, inputs)
