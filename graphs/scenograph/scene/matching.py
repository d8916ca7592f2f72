"""Matching: how well candidate graphs agree with a query graph, part by part, and what met what.

One side describes, the other is evidence. A sentence's graph describes an image's, whichever of them is the
query; between two of a kind the query describes.  Score: the weighted mean of the levels that the
description has,

    score = (OBJECTS * objects + ATTRIBUTES * attributes + RELATIONS * relations) / (weights of the levels
    present).

`objects` is the mean credit of the described objects, weighed by how specific their words are, mixed with
how well the number of people agrees; the other levels are the mean credit of their parts.  Denied parts
that are there lower it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import mul

from scenograph.scene.alignment import Alignment
from scenograph.scene.graph import GraphQuery, SceneGraph
from scenograph.scene.matching_hard import FORBIDDEN, REQUIRED, Pattern
from scenograph.scene.matching_lay import Compared, Laid, Layer, LayWeights
from scenograph.scene.matching_parts import Parts
from scenograph.scene.matching_people import People, agreement
from scenograph.scene.matching_words import (
    edge_matches,
    node_matches,
    pattern_words,
    swap_edges,
    swap_nodes,
    unmatched,
)
from scenograph.scene.structure import components, graph_query, join, subgraph
from scenograph.scene.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """Weights of the levels.

    `people`: of the number of people, beside the credit of objects; `denied`: the part of the score that is
    lost where a denied part is there.
    """

    objects: float = 1.0
    attributes: float = 0.3
    relations: float = 0.1
    people: float = 0.8
    denied: float = 0.5


LAY = LayWeights()

SEEN = ScoreWeights()
"""Against what a picture shows: attributes and relations are seen dimly, people are counted well."""

SAID = ScoreWeights(attributes=0.5, relations=0.7, people=0.1)
"""Against what a sentence says."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Candidates laid the same way. Forward: the query describes them; backward: they describe the query.

    Forward, the description holds four graphs: what is asked for (required, then optional), and as patterns
    the required, the forbidden and the denied parts.
    """

    places: tuple[int, ...]
    backward: bool
    describing: tuple[SceneGraph, ...]
    evidence_graphs: tuple[SceneGraph, ...]
    description: Parts
    evidence: Parts
    hard: bool

    def words(self) -> list[str]:
        """Every label, attribute and predicate, each once."""
        sides = (self.description, self.evidence)
        return list(
            dict.fromkeys(w for side in sides for w in (*side.names, *side.attributes, *side.predicates))
        )


class Matcher:
    """Plans and scores matches; comparing the parts in between is the caller's (see `Compared`). Pure."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        lay: LayWeights = LAY,
        seen: ScoreWeights = SEEN,
        said: ScoreWeights = SAID,
    ) -> None:
        self._vocabulary = vocabulary
        self._people = People(vocabulary)
        self._lay = lay
        self._seen, self._said = seen, said

    def plan(self, query: GraphQuery, candidates: Sequence[SceneGraph]) -> list[Job]:
        """The jobs that together match every candidate once."""
        hard = bool(query.required.nodes or query.forbidden.nodes)
        asked = join([query.required, query.optional])
        turned = not hard and _visual(asked)
        backward = tuple(
            i for i, graph in enumerate(candidates) if turned and graph.nodes and not _visual(graph)
        )
        forward = tuple(sorted(set(range(len(candidates))) - set(backward)))
        jobs = []
        if forward:
            needed = graph_query(query.required)
            forbidden = join([query.forbidden, needed.forbidden])
            denied = graph_query(query.optional).forbidden
            describing = (asked, needed.required, forbidden, denied)
            jobs.append(self._job(forward, False, describing, [candidates[i] for i in forward], hard))
        if backward:
            jobs.append(self._job(backward, True, [candidates[i] for i in backward], [asked], hard))
        return jobs

    def _job(
        self,
        places: tuple[int, ...],
        backward: bool,
        describing: Iterable[SceneGraph],
        evidence: Iterable[SceneGraph],
        hard: bool,
    ) -> Job:
        describing, evidence = tuple(describing), tuple(evidence)
        return Job(
            places=places,
            backward=backward,
            describing=describing,
            evidence_graphs=evidence,
            description=Parts.of(describing, keep_denied=True),
            evidence=Parts.of(evidence, tags=True, inverse=self._vocabulary.inverse),
            hard=hard,
        )

    def told(self, graph: SceneGraph) -> float:
        """How much a description tells: 1 for each thing, less for what is in most pictures."""
        return self._described(graph).total

    def score(self, job: Job, compared: Compared, *, explain: bool = False) -> list[Alignment]:
        """The alignments of a job's candidates, in the order of `job.places`."""
        layer = Layer(job.description, job.evidence, compared, self._lay)
        if job.backward:
            return [self._backward(job, layer, number, explain) for number in range(len(job.places))]
        patterns, about = _Patterns(job), self._described(job.describing[0])
        return [
            self._forward(job, layer, compared, patterns, about, number, explain)
            for number in range(len(job.places))
        ]

    def _forward(
        self,
        job: Job,
        layer: Layer,
        compared: Compared,
        patterns: _Patterns,
        about: _Described,
        number: int,
        explain: bool,
    ) -> Alignment:
        asked, graph = job.describing[0], job.evidence_graphs[number]
        laid = layer.lay(0, number)
        weights = self._seen if _visual(graph) else self._said
        levels = self._levels(about, graph, laid, weights, whole=not job.hard)
        violations = patterns.violations(job, compared, number)
        denied = patterns.denials(job, compared, number)
        score = _total(levels, weights) * (1 - weights.denied * bool(violations or denied))
        begin, end = job.evidence.edges_at[number], job.evidence.edges_at[number + 1]
        return Alignment(
            score=score,
            objects=levels[0],
            attributes=1.0 if levels[1] is None else levels[1],
            relations=1.0 if levels[2] is None else levels[2],
            node_matches=node_matches(asked, graph, laid) if explain else (),
            edge_matches=edge_matches(asked, graph, laid, job.evidence.edge_source[begin:end])
            if explain
            else (),
            unmatched=unmatched(asked, laid) if explain else (),
            violations=(*violations, *denied) if explain else (),
            satisfied=not violations and patterns.satisfied(job, compared, number),
            symbolic=score,
        )

    def _backward(self, job: Job, layer: Layer, number: int, explain: bool) -> Alignment:
        asked, graph = job.evidence_graphs[0], job.describing[number]
        laid = layer.lay(number, 0)
        levels = self._levels(self._described(graph), asked, laid, self._seen, whole=True)
        nodes = swap_nodes(node_matches(graph, asked, laid), asked, graph) if explain else ()
        met = {match.query_node for match in nodes}
        score = _total(levels, self._seen)
        return Alignment(
            score=score,
            symbolic=score,
            objects=levels[0],
            attributes=1.0 if levels[1] is None else levels[1],
            relations=1.0 if levels[2] is None else levels[2],
            node_matches=nodes,
            edge_matches=swap_edges(edge_matches(graph, asked, laid, job.evidence.edge_source))
            if explain
            else (),
            unmatched=tuple(
                dict.fromkeys(
                    node.name for place, node in enumerate(asked.nodes) if explain and place not in met
                )
            ),
        )

    def _described(self, graph: SceneGraph) -> _Described:
        weights = [0.0 if node.negated else self._people.importance(node.name) for node in graph.nodes]
        return _Described(
            weights=weights,
            total=sum(weights),
            people=self._people.count(graph),
            attributes=[not item.negated for node in graph.nodes for item in node.attributes],
            relations=[not edge.negated for edge in graph.edges],
        )

    def _levels(
        self, about: _Described, evidence: SceneGraph, laid: Laid, weigh: ScoreWeights, *, whole: bool
    ) -> tuple[float, float | None, float | None]:
        """Objects, attributes and relations; None where the description has none of a level.

        `whole`: the description tells all that matters, so that people it does not mention count against it.
        """
        credit = sum(map(mul, about.weights, laid.node_credit))
        objects = credit / about.total if about.total else 0.0
        said = about.people
        if whole or said:
            share = weigh.people
            seen = self._people.count(evidence)
            objects = (objects + share * agreement(said, seen if whole else min(said, seen))) / (1 + share)
        attributes = list(compress(laid.attribute_credit, about.attributes))
        relations = list(compress(laid.edge_credit, about.relations))
        return objects, _mean(attributes), _mean(relations)


@dataclass(frozen=True, slots=True, eq=False)
class _Described:
    """What scoring needs of a description: its nodes' weights and their sum, how many people it speaks of,
    and which of its attributes and relations are affirmed.
    """

    weights: list[float]
    total: float
    people: float
    attributes: list[bool]
    relations: list[bool]


class _Patterns:
    """The hard and the denied parts of a forward job's query."""

    def __init__(self, job: Job) -> None:
        self._required = self._of(job, 1, whole=True)
        self._forbidden = self._of(job, 2)
        self._denied = self._of(job, 3)

    @staticmethod
    def _of(job: Job, number: int, *, whole: bool = False) -> list[tuple[str, Pattern]]:
        graph, parts = job.describing[number], job.description
        if not graph.nodes:
            return []
        groups = [tuple(range(len(graph.nodes)))] if whole else components(graph)
        row, edge_row = parts.nodes_at[number], parts.edges_at[number]
        return [
            (pattern_words(subgraph(graph, members)), Pattern(graph, members, row, edge_row, parts))
            for members in groups
        ]

    def satisfied(self, job: Job, compared: Compared, number: int) -> bool:
        return all(pattern.found(job.evidence, number, compared, REQUIRED) for _, pattern in self._required)

    def violations(self, job: Job, compared: Compared, number: int) -> list[str]:
        return [
            w for w, pattern in self._forbidden if pattern.found(job.evidence, number, compared, FORBIDDEN)
        ]

    def denials(self, job: Job, compared: Compared, number: int) -> list[str]:
        return [w for w, pattern in self._denied if pattern.found(job.evidence, number, compared, FORBIDDEN)]


def _visual(graph: SceneGraph) -> bool:
    """Whether a graph was seen, not said."""
    return bool(graph.tags) or any(node.box is not None for node in graph.nodes)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _total(levels: tuple[float, float | None, float | None], weights: ScoreWeights) -> float:
    each = (weights.objects, weights.attributes, weights.relations)
    present = [(w, level) for w, level in zip(each, levels, strict=True) if level is not None]
    return sum(w * level for w, level in present) / sum(w for w, _ in present)
