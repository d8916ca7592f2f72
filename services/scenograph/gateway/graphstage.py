"""Lays a query's graphs on candidates: one alignment for each candidate, however many parts the query has.

The graphs of a mixed query are matched one by one and their scores averaged by weight, so that a part
counts for its weight and not for the number of its objects. Positions in the merged alignment count through
`query_graph`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scenograph.gateway.packs import PackInfo
from scenograph.gateway.tasks import together
from scenograph.runtime.contracts import Matching, MatchWeights
from scenograph.scene.alignment import Alignment
from scenograph.scene.graph import GraphQuery, SceneGraph
from scenograph.scene.structure import join

CHUNK = 1000  # candidates in one call to the matching service


@dataclass(frozen=True, slots=True)
class WeightedGraph:
    """The graph of one query part and how much its agreement counts; weight 0: it decides and does not
    score.
    """

    query: GraphQuery
    weight: float

    @property
    def hard(self) -> bool:
        """Whether it has parts that must be there or must not."""
        return bool(self.query.required.nodes or self.query.forbidden.nodes)


class GraphStage:
    """The graph matching of searches and ranks."""

    def __init__(self, matching: Matching, pack: PackInfo) -> None:
        self._matching = matching
        self._pack = pack

    async def match(
        self,
        graphs: Sequence[WeightedGraph],
        candidates: Sequence[SceneGraph],
        *,
        explain: bool = False,
        weights: MatchWeights | None = None,
    ) -> list[Alignment]:
        """One merged alignment for each candidate, in order. `satisfied` speaks of the hard graphs only."""
        by_graph = await together([self._match_one(graph, candidates, explain, weights) for graph in graphs])
        return [merge(graphs, list(alignments)) for alignments in zip(*by_graph, strict=True)]

    async def _match_one(
        self,
        graph: WeightedGraph,
        candidates: Sequence[SceneGraph],
        explain: bool,
        weights: MatchWeights | None,
    ) -> list[Alignment]:
        alignments: list[Alignment] = []
        for start in range(0, len(candidates), CHUNK):
            chunk = candidates[start : start + CHUNK]
            batch = await self._matching.match(graph.query, chunk, explain=explain, weights=weights)
            self._pack.check_service(batch.pack_version, "matching")
            alignments += batch.alignments
        return alignments


def query_graph(graphs: Sequence[WeightedGraph]) -> SceneGraph:
    """What was looked for: all parts' required graphs, then all their optional graphs."""
    return join([graph.query.required for graph in graphs] + [graph.query.optional for graph in graphs])


def merge(graphs: Sequence[WeightedGraph], alignments: Sequence[Alignment]) -> Alignment:
    """One candidate's alignments with each part's graph as one alignment with all of them."""
    if len(graphs) == 1:
        (alignment,) = alignments
        if alignment.satisfied or graphs[0].hard:
            return alignment
        return replace(alignment, satisfied=True)
    weights = [graph.weight for graph in graphs]
    if not any(weights):
        weights = [1.0] * len(graphs)
    total = sum(weights)

    def mean(values: Sequence[float]) -> float:
        return sum(weight * value for weight, value in zip(weights, values, strict=True)) / total

    nodes = _positions([(len(g.query.required.nodes), len(g.query.optional.nodes)) for g in graphs])
    edges = _positions([(len(g.query.required.edges), len(g.query.optional.edges)) for g in graphs])
    parts = list(zip(nodes, edges, alignments, strict=True))
    learned = [a.learned for a in alignments]
    return Alignment(
        score=mean([a.score for a in alignments]),
        objects=mean([a.objects for a in alignments]),
        attributes=mean([a.attributes for a in alignments]),
        relations=mean([a.relations for a in alignments]),
        node_matches=tuple(
            replace(match, query_node=place[match.query_node])
            for place, _, alignment in parts
            for match in alignment.node_matches
        ),
        edge_matches=tuple(
            replace(match, query_edge=place[match.query_edge])
            for _, place, alignment in parts
            for match in alignment.edge_matches
        ),
        unmatched=tuple(dict.fromkeys(words for a in alignments for words in a.unmatched)),
        violations=tuple(dict.fromkeys(words for a in alignments for words in a.violations)),
        satisfied=all(a.satisfied for a, g in zip(alignments, graphs, strict=True) if g.hard),
        symbolic=mean([a.symbolic for a in alignments]),
        learned=None if None in learned else mean([value for value in learned if value is not None]),
    )


def _positions(sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """For each graph of (required, optional) sizes, where its positions lie in `query_graph`."""
    required = 0
    optional = sum(size for size, _ in sizes)
    places = []
    for first, second in sizes:
        places.append([*range(required, required + first), *range(optional, optional + second)])
        required += first
        optional += second
    return places
