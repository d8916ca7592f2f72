"""A visual graph with what learned heads say of it: names of people, attributes, clothes and relations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.colour import ANCHORS
from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph
from scenograph.scene.visual_heads import HeadPlaces
from scenograph.scene.visual_words import NEVER, HeadWords
from scenograph.scene.vocabulary import Vocabulary

FloatArray = NDArray[np.float32]
Said = list[tuple[str, float]]

PERSON, WEARING, COLOUR, POSTURE = "person", "wearing", "colour", "posture"
PLACES = frozenset({"on", "in"})
AGES = ("adult", "child")
MAX_ATTRIBUTES = 8
MAX_WORN = 2
SURE_ROLE = 0.7
"""The probability from which somebody is called by a role."""
MAX_EDGES = 32


@dataclass(frozen=True, slots=True)
class Kinds:
    """What the vocabulary says of the heads' words: what each name or piece of clothing is a kind of, which
    names tell an age, which attributes contradict each other, but for colours, of which a region can have
    several; which are colours, and of which of them the head decides; and which are postures ("running").
    """

    above: Mapping[str, frozenset[str]]
    aged: frozenset[str]
    apart: Mapping[str, frozenset[str]]
    colours: frozenset[str]
    decided: frozenset[str]
    postures: frozenset[str]

    @classmethod
    def of(cls, words: HeadWords, vocabulary: Vocabulary) -> Kinds:
        nouns = [words.words[place] for group in ("names", "worn") for place in words.places(group)]
        attributes = [words.words[place] for place in words.places("attributes")]
        learned = (word for word in attributes if COLOUR in vocabulary.dimensions(word))
        colours = frozenset((*ANCHORS, *learned))
        said = {word for word, least in zip(words.words, words.least, strict=True) if least < NEVER}
        return cls(
            above={noun: frozenset(vocabulary.hypernyms(noun)) for noun in nouns},
            aged=frozenset(noun for noun in nouns if any(vocabulary.is_a(noun, age) for age in AGES)),
            apart={
                word: frozenset(other for other in attributes if vocabulary.contradicts(word, other))
                for word in attributes
                if word not in colours
            },
            colours=colours,
            decided=colours & said,
            postures=frozenset(word for word in attributes if POSTURE in vocabulary.dimensions(word)),
        )


def with_attributes(
    graph: SceneGraph, places: HeadPlaces, probabilities: FloatArray, words: HeadWords, kinds: Kinds
) -> SceneGraph:
    """People by their names, learned attributes beside measured ones, where they have a place also as
    relations to it, and what people wear as nodes, of their colours. Of a colour that the head has learned to
    say, the head alone decides.

    Shapes: probabilities (n, W), of the nodes that `places` names.
    """
    nodes, edges = list(graph.nodes), list(graph.edges)
    for number, row in zip(places.nodes.tolist(), probabilities.tolist(), strict=True):
        node = nodes[number]
        person = node.name == PERSON
        name = _name(row, words, kinds) if person else ""
        attributes = _attributes(node, row, words, kinds)
        colours = tuple(one for one in attributes if one.name in kinds.colours)
        nodes[number] = replace(node, label=name or node.label, attributes=attributes)
        for worn, score in _specific(_said(row, words, "worn"), kinds)[:MAX_WORN] if person else ():
            edges.append(Edge(number, WEARING, len(nodes), score=round(score * node.score, 4)))
            nodes.append(
                Node(label=worn, attributes=colours, score=round(score * node.score, 4), box=node.box)
            )
    edges += _postures(graph, nodes, kinds)
    return replace(graph, nodes=tuple(nodes), edges=tuple(edges))


def with_relations(
    graph: SceneGraph, places: HeadPlaces, probabilities: FloatArray, words: HeadWords
) -> SceneGraph:
    """Relations beside those that rules found, at most MAX_EDGES, the most certain first.

    Shapes: probabilities (P, R), of the pairs that `places` names.
    """
    edges = {(edge.subject, edge.predicate, edge.object): edge for edge in graph.edges}
    for (subject, object_), row in zip(places.pairs.T.tolist(), probabilities.tolist(), strict=True):
        one, other = int(places.nodes[subject]), int(places.nodes[object_])
        certain = min(graph.nodes[one].score, graph.nodes[other].score)
        for predicate, value in _said(row, words, "predicates"):
            key, score = (one, predicate, other), round(value * certain, 4)
            if key not in edges or edges[key].score < score:
                edges[key] = Edge(one, predicate, other, score=score)
    best = sorted(edges.values(), key=lambda edge: (-edge.score, edge.subject, edge.object, edge.predicate))
    return replace(graph, edges=tuple(best[:MAX_EDGES]))


def _postures(graph: SceneGraph, nodes: Sequence[Node], kinds: Kinds) -> Iterator[Edge]:
    """What runs, and is on grass, is running on grass."""
    for edge in graph.edges:
        if edge.predicate in PLACES:
            for attribute in nodes[edge.subject].attributes:
                if attribute.name in kinds.postures:
                    score = round(attribute.score * edge.score, 4)
                    yield Edge(edge.subject, f"{attribute.name} {edge.predicate}", edge.object, score)


def _said(row: Sequence[float], words: HeadWords, group: str) -> Said:
    """The words of a group that are probable enough, the likeliest first."""
    said = [
        (words.words[place], row[place]) for place in words.places(group) if row[place] >= words.least[place]
    ]
    return sorted(said, key=lambda item: -item[1])


def _specific(said: Said, kinds: Kinds) -> Said:
    """Without words of which another is a kind."""
    general = {kind for word, _ in said for kind in kinds.above[word]}
    return [(word, score) for word, score in said if word not in general]


def _name(row: Sequence[float], words: HeadWords, kinds: Kinds) -> str:
    """What somebody does, where that is sure ("skier"), else the likeliest of the most specific names of an
    age that are probable enough, or none.
    """
    said = _specific(_said(row, words, "names"), kinds)
    roles = (word for word, score in said if word not in kinds.aged and score >= SURE_ROLE)
    return next(roles, "") or next((word for word, _ in said if word in kinds.aged), "")


def _attributes(node: Node, row: Sequence[float], words: HeadWords, kinds: Kinds) -> tuple[Attribute, ...]:
    """Of those that contradict each other the likeliest; several colours."""
    kept: dict[str, float] = {}
    for word, score in _said(row, words, "attributes"):
        if kept.keys().isdisjoint(kinds.apart.get(word, frozenset())):
            kept[word] = score
    for attribute in node.attributes:
        if attribute.name not in kinds.decided:
            kept[attribute.name] = max(attribute.score, kept.get(attribute.name, 0.0))
    ranked = sorted(kept.items(), key=lambda item: -item[1])[:MAX_ATTRIBUTES]
    return tuple(Attribute(name, round(score, 4)) for name, score in ranked)
