"""What captions say of the regions that a detector found: who is meant, what it is like, does and wears, and
what two regions are to each other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.graph import Node, SceneGraph
from scenograph.scene.matching_people import GROUPS, is_plural
from scenograph.scene.vocabulary import Vocabulary

FloatArray = NDArray[np.float32]

MEANT = 0.75  # similarity from which a word means a class
PERSON, ANIMAL, CLOTHING = "person", "animal", "clothing"
LEAST = {PERSON: 0.3, ANIMAL: 0.15}  # detector's score of a region that a word can mean
LEAST_THING = 0.06
OWN = 0.5  # part of the region's best score that the meant class must have
PROMINENT = 2.5  # how much larger, by area and score, the one is that "a dog" means among several
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Told:
    """What the captions of one photograph say of its regions; each count is of captions.

    `met`: how many captions speak of a region; `names`: by which nouns; `attributes`: its attributes and
    actions, and the colours of what it wears; `worn`: the clothes on it. `together`: how many captions speak
    of both regions of an ordered pair; `relations`: what they say the first does to the second.
    """

    met: Counter[int] = field(default_factory=Counter)
    names: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    attributes: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    worn: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    together: Counter[Pair] = field(default_factory=Counter)
    relations: dict[Pair, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


class Meeting:
    """Meets the nodes of sentences with regions, by the vocabulary's words for the detector's classes."""

    def __init__(self, classes: Sequence[str], vocabulary: Vocabulary) -> None:
        self._classes = tuple(classes)
        self._vocabulary = vocabulary
        self._animals = frozenset(
            place for place, name in enumerate(classes) if vocabulary.is_a(name, ANIMAL)
        )
        self.meaning = lru_cache(maxsize=65_536)(self._meaning)

    def told(self, graphs: Sequence[SceneGraph], scores: FloatArray, boxes: FloatArray) -> Told:
        """What these captions' graphs say of these regions.  Shapes: scores (R, C), boxes (R, 4)."""
        told = Told()
        for graph in graphs:
            self._add(told, graph, self.meet(graph, scores, boxes))
        return told

    def meet(self, graph: SceneGraph, scores: FloatArray, boxes: FloatArray) -> dict[int, tuple[int, ...]]:
        """The regions that each node means, where that can be told: as many as are said, all of an uncounted
        plural, or one that is much more prominent than the others.
        """
        groups: dict[frozenset[int], list[int]] = defaultdict(list)
        for place, node in enumerate(graph.nodes):
            meaning = self.meaning(node.name)
            if meaning and not node.negated:
                groups[self._group(meaning)].append(place)
        found: dict[int, tuple[int, ...]] = {}
        for group, places in groups.items():
            if len(places) == 1:  # of several ("a man and a woman") nothing says which is which
                regions = self._regions(graph.nodes[places[0]], group, scores, boxes)
                if regions:
                    found[places[0]] = regions
        return found

    def _regions(
        self, node: Node, group: frozenset[int], scores: FloatArray, boxes: FloatArray
    ) -> tuple[int, ...]:
        if node.name in GROUPS:
            return ()
        own = scores[:, sorted(group)].max(axis=1, initial=0.0)
        least = LEAST.get(self._kind(group), LEAST_THING)
        candidates = np.flatnonzero((own >= least) & (own >= OWN * scores.max(axis=1, initial=0.0)))
        if node.count > 1 or is_plural(node):
            fits = node.count in (0, len(candidates)) and len(candidates) > 1
            return tuple(candidates.tolist()) if fits else ()
        if len(candidates) < 2:
            return tuple(candidates.tolist())
        sides = np.clip(boxes[candidates, 2:] - boxes[candidates, :2], 0.0, None)
        weight = sides[:, 0] * sides[:, 1] * own[candidates]
        order = np.argsort(-weight, kind="stable")
        return (int(candidates[order[0]]),) if weight[order[0]] >= PROMINENT * weight[order[1]] else ()

    def _add(self, told: Told, graph: SceneGraph, meant: dict[int, tuple[int, ...]]) -> None:
        for place, regions in meant.items():
            node = graph.nodes[place]
            said = set(self._said_of(node)) | set(self._said_by_edges(graph, place))
            worn = set(self._worn(graph, place)) if self._vocabulary.is_a(node.name, PERSON) else set()
            for region in regions:
                told.met[region] += 1
                told.names[region][self._vocabulary.canonical(node.name)] += 1
                told.attributes[region].update(said)
                told.worn[region].update(worn)
        edges: dict[Pair, set[str]] = defaultdict(set)
        for edge in graph.edges:
            if not edge.negated:
                edges[edge.subject, edge.object].add(self._vocabulary.canonical_predicate(edge.predicate))
        for one, firsts in meant.items():
            for other, seconds in meant.items():
                pairs = {(a, b) for a in firsts for b in seconds if a != b} if one != other else set()
                for pair in pairs:
                    told.together[pair] += 1
                    told.relations[pair].update(edges.get((one, other), ()))

    def _said_of(self, node: Node) -> Iterator[str]:
        for attribute in node.attributes:
            if not attribute.negated:
                yield self._vocabulary.canonical_attribute(attribute.name)

    def _said_by_edges(self, graph: SceneGraph, place: int) -> Iterator[str]:
        """What it does ("running through grass": running), and the colours of what it wears."""
        for edge in graph.edges:
            if edge.subject != place or edge.negated:
                continue
            verb = self._vocabulary.canonical_predicate(edge.predicate).partition(" ")[0]
            if self._vocabulary.is_attribute(verb):
                yield self._vocabulary.canonical_attribute(verb)
        for clothes in self._clothes(graph, place):
            yield from self._said_of(clothes)

    def _worn(self, graph: SceneGraph, place: int) -> Iterator[str]:
        for clothes in self._clothes(graph, place):
            yield self._vocabulary.canonical(clothes.name)

    def _clothes(self, graph: SceneGraph, place: int) -> Iterator[Node]:
        if not self._vocabulary.is_a(graph.nodes[place].name, PERSON):
            return
        for edge in graph.edges:
            node = graph.nodes[edge.object]
            negated = edge.negated or node.negated
            if edge.subject == place and not negated and self._vocabulary.is_a(node.name, CLOTHING):
                yield node

    def _meaning(self, name: str) -> frozenset[int]:
        """The classes that a noun names, more or less finely."""
        ours = self._vocabulary.label_similarities([name], self._classes)[0]
        theirs = self._vocabulary.label_similarities(self._classes, [name])[:, 0]
        return frozenset(np.flatnonzero(np.fmax(ours, theirs) >= MEANT).tolist())

    def _group(self, meaning: frozenset[int]) -> frozenset[int]:
        """All animals are one group: the detector takes them for each other."""
        return self._animals if meaning <= self._animals else meaning

    def _kind(self, group: frozenset[int]) -> str:
        if group == self._animals:
            return ANIMAL
        return PERSON if {self._classes[place] for place in group} == {PERSON} else ""
