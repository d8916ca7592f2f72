"""Relations between the objects of an image, from their boxes and from what they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scenograph.scene.geometry import measure, middle_y, spatial_relation
from scenograph.scene.graph import Box, Edge
from scenograph.scene.visual_rules import BEINGS, PERSON, RULES
from scenograph.scene.visual_taxonomy import Taxonomy

MAX_EDGES = 24
NEIGHBOURS = 2  # spatial relations of an object go to so many of its nearest others
MIN_SCORE = 0.1


@dataclass(frozen=True, slots=True)
class Thing:
    """One object to relate: what, where, how certain; `scene` marks a place that others are on or in."""

    name: str
    box: Box
    score: float
    scene: bool = False


_SUPPORTS = frozenset({"furniture", "counter", "shelf", "plate", "tray", "stove", "oven", "keyboard", "rock"})
_VESSELS = frozenset(
    {*("bowl", "cup", "glass", "vase", "sink", "bathtub", "box", "basket", "bag", "bed", "pot", "pan")}
)
# Places that one is on; in all others but buildings, which one sees from outside, one is in.
_SCENE_ON = frozenset(
    {
        *("beach", "mountain", "hill", "cliff", "street", "sidewalk", "grass", "sand", "rock", "snow", "ice"),
        *("stage", "bridge", "pier", "ground"),
    }
)
_SCENE_IN = frozenset(
    {"place", "nature", "water", "store", "restaurant", "library", "theater", "greenhouse", "prison"}
)


def relate(things: Sequence[Thing], taxonomy: Taxonomy, *, limit: int = MAX_EDGES) -> list[Edge]:
    """The informative relations, one a pair: by what the things are first, then by where they are.

    Scores are the rule's clarity times the certainty of the less certain end. Order: by score, then by
    position.
    """
    edges: dict[tuple[int, int], Edge] = {}
    for edge in _acted(things, taxonomy) + _placed(things, taxonomy) + _spatial(things, taxonomy):
        pair = (min(edge.subject, edge.object), max(edge.subject, edge.object))
        if edge.score >= MIN_SCORE:
            edges.setdefault(pair, edge)
    best = sorted(edges.values(), key=lambda edge: (-edge.score, edge.subject, edge.object))[:limit]
    return best


def _acted(things: Sequence[Thing], taxonomy: Taxonomy) -> list[Edge]:
    """Relations of the table, best first."""
    found: list[tuple[Edge, bool]] = []
    for subject, object_ in ((i, j) for i in range(len(things)) for j in range(len(things)) if i != j):
        a, b = things[subject], things[object_]
        if a.scene or b.scene:
            continue
        pair = measure(a.box, b.box)
        for rule in RULES:
            if taxonomy.any_of(a.name, rule.subjects) and taxonomy.any_of(b.name, rule.objects):
                score = rule.test(pair) * min(a.score, b.score)
                if score > 0:
                    found.append((Edge(subject, rule.predicate, object_, round(score, 4)), rule.single))
                    break
    found.sort(key=lambda item: (-item[0].score, item[0].subject, item[0].object))
    edges: list[Edge] = []
    taken: set[int] = set()
    for edge, single in found:
        if single and edge.object in taken:
            continue
        if single:
            taken.add(edge.object)
        edges.append(edge)
    return edges


def _placed(things: Sequence[Thing], taxonomy: Taxonomy) -> list[Edge]:
    """Each being and vehicle is on, or in, the smallest place in whose lower half its foot is."""
    edges = []
    places = [place for place, thing in enumerate(things) if thing.scene]
    places.sort(key=lambda place: (things[place].box.area, place))
    for subject, thing in enumerate(things):
        if thing.scene or not taxonomy.any_of(thing.name, BEINGS | {"vehicle"}):
            continue
        for place in places:
            share = measure(thing.box, things[place].box).share_a
            if share >= 0.3 and thing.box.y1 >= middle_y(things[place].box):
                predicate = _place_predicate(things[place].name, taxonomy)
                score = (0.5 + 0.5 * share) * min(thing.score, things[place].score)
                edges.append(Edge(subject, predicate, place, round(score, 4)))
                break
    return edges


def _place_predicate(name: str, taxonomy: Taxonomy) -> str:
    if taxonomy.any_of(name, _SCENE_ON):
        return "on"
    return "in" if taxonomy.any_of(name, _SCENE_IN) else "in front of"


def _spatial(things: Sequence[Thing], taxonomy: Taxonomy) -> list[Edge]:
    """Where each thing is to its nearest neighbours."""
    wanted: set[tuple[int, int]] = set()
    for index, thing in enumerate(things):
        others = [i for i, other in enumerate(things) if i != index and not other.scene and not thing.scene]
        others.sort(key=lambda i: (_distance(thing.box, things[i].box), i))
        wanted |= {(min(index, i), max(index, i)) for i in others[:NEIGHBOURS]}
    edges = []
    for first, second in sorted(wanted):
        # The subject is the smaller thing: a cup is on a table rather than the table below a cup.
        small, large = sorted((first, second), key=lambda i: (things[i].box.area, i))
        a, b = things[small], things[large]
        predicate, score = spatial_relation(
            a.box,
            b.box,
            supports=taxonomy.any_of(b.name, _SUPPORTS) and not taxonomy.any_of(a.name, PERSON),
            holds=taxonomy.any_of(b.name, _VESSELS),
        )
        if predicate:
            edges.append(Edge(small, predicate, large, round(score * min(a.score, b.score), 4)))
    return edges


def _distance(a: Box, b: Box) -> float:
    """Gap between the boxes, plus a tenth of their centres' distance to decide among touching ones."""
    pair = measure(a, b)
    dx, dy = (a.x0 + a.x1 - b.x0 - b.x1) / 2, middle_y(a) - middle_y(b)
    return pair.gap + 0.1 * math.hypot(dx, dy)
