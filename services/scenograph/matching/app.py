"""MatchingApp: scores candidate graphs against a query graph and tells what met what."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from scenograph.matching.compare import compare, matcher_inputs
from scenograph.runtime.checks import check_count
from scenograph.runtime.contracts import FloatArray, MatchBatch, MatchWeights
from scenograph.runtime.sessions import Arrays, Sessions
from scenograph.runtime.texts import WordVectors
from scenograph.scene.alignment import Alignment
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import GraphQuery, SceneGraph
from scenograph.scene.matching import Job, Matcher
from scenograph.scene.vocabulary import Vocabulary

MODEL = "graph_matcher"
MAX_CANDIDATES = 4096
MAX_QUERY_NODES = 64


class MatchingApp:
    """Lays a query on candidate graphs (contracts.Matching)."""

    def __init__(self, sessions: Sessions, words: WordVectors, vocabulary: Vocabulary | None = None) -> None:
        self._sessions = sessions
        self._words = words
        self._vocabulary = vocabulary or Vocabulary.load()
        self._matcher = Matcher(self._vocabulary)

    async def match(
        self,
        query: GraphQuery,
        candidates: Sequence[SceneGraph],
        *,
        explain: bool = False,
        weights: MatchWeights | None = None,
    ) -> MatchBatch:
        """One alignment for each candidate, in order.

        Errors: InvalidInput (no or too many candidates; a query without nodes, or with too many), QueueFull.
        """
        check_count(candidates, MAX_CANDIDATES, "candidates")
        asked = sum(len(graph.nodes) for graph in (query.required, query.forbidden, query.optional))
        if not 1 <= asked <= MAX_QUERY_NODES:
            raise InvalidInput(f"takes a query of 1 to {MAX_QUERY_NODES} nodes, not {asked}", field="query")
        start = time.perf_counter()
        found: list[Alignment | None] = [None] * len(candidates)
        for job in await self._sessions.offload(self._matcher.plan, query, candidates):
            words = job.words()
            vectors = await self._words.of(words)
            alignments = await self._sessions.offload(self._score, job, words, vectors, explain)
            for place, alignment in zip(job.places, alignments, strict=True):
                found[place] = alignment
        timings = {"match": (time.perf_counter() - start) * 1e3}
        return MatchBatch([alignment for alignment in found if alignment], self._sessions.pack.id, timings)

    def _score(self, job: Job, words: list[str], vectors: FloatArray, explain: bool) -> list[Alignment]:
        known = dict(zip(words, vectors, strict=True))
        inputs = matcher_inputs(job.description, job.evidence, known, self._vocabulary)
        return self._matcher.score(job, compare(inputs, self._infer), explain=explain)

    def _infer(self, inputs: Arrays) -> dict[str, FloatArray]:
        answer = self._sessions.infer(MODEL, inputs)
        return {name: np.asarray(value, dtype=np.float32) for name, value in answer.items()}
