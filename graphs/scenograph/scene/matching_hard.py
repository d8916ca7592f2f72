"""Hard parts of a query: whether a pattern is there, all of it, at threshold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scenograph.scene.graph import SceneGraph
from scenograph.scene.matching_lay import Compared
from scenograph.scene.matching_parts import Parts


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What counts as met; a tag of at least `tag` stands for a node without attributes and relations."""

    label: float
    attribute: float
    predicate: float
    tag: float


REQUIRED = Thresholds(label=0.5, attribute=0.5, predicate=0.5, tag=0.3)
"""Lenient: a woman may be there where the evidence says "person", a puppy where it says "dog"."""

FORBIDDEN = Thresholds(label=0.9, attribute=0.75, predicate=0.75, tag=0.3)
"""Strict: only what is certainly there violates; a mere "person" is no forbidden woman."""

MAX_STEPS = 5_000


class Pattern:
    """Nodes of one graph of `parts`, with all edges among them, looked for in evidence by backtracking.

    Different nodes must meet different nodes of the evidence (a tag may serve several); a node with a count
    must also find that many nodes of its label. Nodes with edges are placed by backtracking, the rest by
    bipartite matching; a pattern not found within MAX_STEPS counts as not there.
    """

    def __init__(
        self, graph: SceneGraph, members: Sequence[int], row: int, edge_row: int, parts: Parts
    ) -> None:
        ends = {end for edge in graph.edges for end in (edge.subject, edge.object)}
        members = sorted(members, key=lambda member: member not in ends)
        self._bound = sum(member in ends for member in members)
        place = {member: position for position, member in enumerate(members)}
        self._rows = [row + member for member in members]
        self._counts = [graph.nodes[member].count for member in members]
        self._attributes = [
            [place_ for place_, owner in enumerate(parts.attribute_node.tolist()) if owner == row + member]
            for member in members
        ]
        self._edges = [
            (edge_row + number, place[edge.subject], place[edge.object])
            for number, edge in enumerate(graph.edges)
            if edge.subject in place and edge.object in place
        ]

    def found(self, evidence: Parts, number: int, compared: Compared, limits: Thresholds) -> bool:
        """Whether graph `number` of the evidence holds the pattern."""
        first, tags, last = evidence.nodes_at[number], evidence.tags_at[number], evidence.nodes_at[number + 1]
        options = []
        bound = {end for _, *ends in self._edges for end in ends}
        for position, row in enumerate(self._rows):
            labels = compared.label[row, first:last]
            attributes = self._attributes[position]
            nodes = [
                column
                for column in range(first, tags)
                if labels[column - first] >= limits.label
                and evidence.node_score[column] > 0
                and all(compared.attribute[a, column] >= limits.attribute for a in attributes)
            ]
            if self._counts[position] > max(1, len(nodes)):
                return False
            plain = position not in bound and not attributes
            if plain and self._counts[position] <= 1:
                nodes += [
                    column
                    for column in range(tags, last)
                    if labels[column - first] >= limits.label and evidence.node_score[column] >= limits.tag
                ]
            if not nodes:
                return False
            options.append(nodes)
        return self._place(options, [], evidence, number, compared, limits, iter(range(MAX_STEPS)))

    def _place(
        self,
        options: list[list[int]],
        chosen: list[int],
        evidence: Parts,
        number: int,
        compared: Compared,
        limits: Thresholds,
        steps: Iterator[int],
    ) -> bool:
        position = len(chosen)
        tags = evidence.tags_at[number]
        if position == self._bound:
            return _all_fit([[c for c in each if c not in chosen] for each in options[position:]], tags)
        for column in options[position]:
            if column in chosen:
                continue
            if next(steps, None) is None:
                return False
            chosen.append(column)
            if self._edges_hold(chosen, evidence, number, compared, limits) and self._place(
                options, chosen, evidence, number, compared, limits, steps
            ):
                return True
            chosen.pop()
        return False

    def _edges_hold(
        self, chosen: list[int], evidence: Parts, number: int, compared: Compared, limits: Thresholds
    ) -> bool:
        """Whether every edge between placed nodes that ends at the last one is met."""
        latest = len(chosen) - 1
        begin, end = evidence.edges_at[number], evidence.edges_at[number + 1]
        for edge, subject, object_ in self._edges:
            if max(subject, object_) == latest and not any(
                compared.predicate[edge, there] >= limits.predicate
                and evidence.edge_ends[0, there] == chosen[subject]
                and evidence.edge_ends[1, there] == chosen[object_]
                for there in range(begin, end)
            ):
                return False
        return True


def _all_fit(options: Sequence[Sequence[int]], tags: int) -> bool:
    """Whether each may have one of its columns, no two the same but those from `tags` on."""
    taken: dict[int, int] = {}

    def fit(who: int, seen: set[int]) -> bool:
        for column in options[who]:
            if column >= tags:
                return True
            if column not in seen:
                seen.add(column)
                if column not in taken or fit(taken[column], seen):
                    taken[column] = who
                    return True
        return False

    return all(fit(who, set()) for who in range(len(options)))
