"""Where a sentence says the parts of its scene graph: the words of objects, attributes and relations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.graph import Edge, Node, SceneGraph
from scenograph.scene.units import GraphUnits, UnitKind

FloatArray = NDArray[np.float32]
Arrays = dict[str, FloatArray]
Spans = tuple[tuple[int, int], ...]

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Said:
    """The code points [start, end) of the words that say a part; `attributes` are an object's.

    `counts` is 1, -1 where the sentence denies the part, 0 where it is only there as the end of a relation.
    """

    place: int
    words: Spans
    attributes: Spans = ()
    counts: int = 1


@dataclass(frozen=True, slots=True)
class TextParts:
    """The objects and relations of a graph that its sentence says; each relation with the places of its ends
    among `objects`. An object of which an attribute is denied is there once with it, denied, after all
    objects that the graph has.
    """

    objects: tuple[Said, ...]
    relations: tuple[tuple[Said, int, int], ...]

    def affirmed(self) -> TextParts:
        """Without what is denied."""
        kept = [place for place, said in enumerate(self.objects) if said.counts > 0]
        number = {place: new for new, place in enumerate(kept)}
        told = [
            (said, number[subject], number[target])
            for said, subject, target in self.relations
            if said.counts > 0
        ]
        return TextParts(tuple(self.objects[place] for place in kept), tuple(told))

    def cut(self, objects: int, relations: int) -> TextParts:
        """At most so many of each, the first ones."""
        told = [relation for relation in self.relations if max(relation[1:]) < objects]
        return TextParts(self.objects[:objects], tuple(told[:relations]))


def text_parts(text: str, graph: SceneGraph) -> TextParts:
    """Objects by their spans, attributes by the nearest words of their name, relations by the words before
    their later end. What counts against an image is what `scenograph.scene.structure.graph_query` forbids.
    """
    words = [(found.start(), found.end(), found.group().lower()) for found in _WORD.finditer(text)]
    heads = [_head(node, words) for node in graph.nodes]
    taken = {place for head in heads for place in head}
    gone = {place for place, node in enumerate(graph.nodes) if node.negated}
    related = {end for edge in graph.edges for end in (edge.subject, edge.object)}
    objects: list[Said] = []
    number: dict[int, int] = {}
    denied: list[Said] = []
    for place, (node, head) in enumerate(zip(graph.nodes, heads, strict=True)):
        if not head:
            continue
        number[place] = len(objects)
        counts = 1 if place not in gone else 0 if place in related else -1
        own = _spans(head, words)
        said, against = _attributes(node, head, words, taken)
        objects.append(Said(place, own, _spans(said, words), counts))
        if against and counts > 0:
            denied.append(Said(place, own, _spans([*said, *against], words), -1))
    relations = [
        (
            Said(
                place,
                _spans(_predicate(edge, heads, words, taken), words),
                counts=-1 if edge.negated or {edge.subject, edge.object} & gone else 1,
            ),
            number[edge.subject],
            number[edge.object],
        )
        for place, edge in enumerate(graph.edges)
        if edge.subject in number and edge.object in number
    ]
    return TextParts((*objects, *denied), tuple(relations))


def text_inputs(parts: TextParts, tokens: Sequence[tuple[int, int]]) -> Arrays:
    """How `text_units` takes the parts of one sentence from its tokens, each of which stands for some code
    points.

    Shapes, for N >= 1 objects and E >= 1 relations (zeros where there are none) and T tokens: heads,
    attributes (1, N, T) and predicates (1, E, T), shares of the tokens of a part; subjects, objects
    (1, E, N), 1 where object n is that end of relation e; has_object (1, N), has_relation (1, E), -1 for
    what is denied.
    """
    objects, relations = max(len(parts.objects), 1), max(len(parts.relations), 1)
    ends = np.zeros((2, relations, objects), dtype=np.float32)
    for row, (_, subject, target) in enumerate(parts.relations):
        ends[0, row, subject] = ends[1, row, target] = 1.0
    feeds = {
        "heads": _shares([said.words for said in parts.objects], objects, tokens),
        "attributes": _shares([said.attributes for said in parts.objects], objects, tokens),
        "predicates": _shares([said.words for said, _, _ in parts.relations], relations, tokens),
        "subjects": ends[0],
        "objects": ends[1],
        "has_object": _counts(parts.objects, objects),
        "has_relation": _counts([said for said, _, _ in parts.relations], relations),
    }
    return {name: values[np.newaxis] for name, values in feeds.items()}


def text_graph_units(parts: TextParts, vectors: FloatArray, weights: FloatArray) -> GraphUnits:
    """A sentence's units from what `text_units` gives: rows for max(N, 1) objects, max(E, 1) relations and
    the sentence.  Shapes: (rows, d), (rows,).
    """
    objects, relations = max(len(parts.objects), 1), max(len(parts.relations), 1)
    rows = [*range(len(parts.objects)), *range(objects, objects + len(parts.relations)), objects + relations]
    sizes = [len(parts.objects), len(parts.relations), 1]
    places = [*(said.place for said in parts.objects), *(said.place for said, _, _ in parts.relations), -1]
    return GraphUnits.quantised(
        vectors[rows],
        weights[rows],
        np.repeat([UnitKind.OBJECT, UnitKind.RELATION, UnitKind.SCENE], sizes),
        np.array(places, dtype=np.int32),
    )


def _head(node: Node, words: Sequence[tuple[int, int, str]]) -> list[int]:
    if node.span is None:
        return []
    return [
        place
        for place, (start, end, _) in enumerate(words)
        if start < node.span.end and end > node.span.start
    ]


def _attributes(
    node: Node, head: Sequence[int], words: Sequence[tuple[int, int, str]], taken: set[int]
) -> tuple[list[int], list[int]]:
    """The words of an object's attributes, and of those that it is denied: of several alike the nearest,
    rather before than after it.
    """
    found: tuple[list[int], list[int]] = ([], [])
    for attribute in node.attributes:
        for name in _WORD.findall(attribute.name.lower()):
            free = [place for place, word in enumerate(words) if word[2] == name and place not in taken]
            if free:
                best = min(free, key=lambda place: min(abs(place - own) + (place > own) / 2 for own in head))
                found[attribute.negated].append(best)
                taken.add(best)
    return found


def _predicate(
    edge: Edge, heads: Sequence[Sequence[int]], words: Sequence[tuple[int, int, str]], taken: set[int]
) -> list[int]:
    """The words between the later end of a relation and the object before it, and those of its name between
    both ends.
    """
    first, last = sorted((list(heads[edge.subject]), list(heads[edge.object])))
    before = max((place for head in heads for place in head if place < last[0]), default=-1)
    named = _WORD.findall(edge.predicate.lower())
    return [
        place
        for place in range(len(words))
        if (before < place < last[0] and place not in taken)
        or (first[0] < place < last[0] and words[place][2] in named)
    ]


def _spans(places: Sequence[int], words: Sequence[tuple[int, int, str]]) -> Spans:
    return tuple((words[place][0], words[place][1]) for place in sorted(set(places)))


def _counts(parts: Sequence[Said], rows: int) -> FloatArray:
    counts = np.zeros(rows, dtype=np.float32)
    counts[: len(parts)] = [said.counts for said in parts]
    return counts


def _shares(parts: Sequence[Spans], rows: int, tokens: Sequence[tuple[int, int]]) -> FloatArray:
    """For each part the mean over its tokens, as weights.  Shapes: -> (rows, T)."""
    shares = np.zeros((rows, len(tokens)), dtype=np.float32)
    for row, spans in enumerate(parts):
        for column, (start, end) in enumerate(tokens):
            shares[row, column] = end > start and any(start < stop and end > begin for begin, stop in spans)
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1.0), dtype=np.float32)
