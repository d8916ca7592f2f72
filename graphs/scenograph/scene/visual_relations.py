"""Relations between the objects of an image, from their boxes and from what they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from scenograph.scene.geometry import Pair, measure, middle_y, spatial_relation
from scenograph.scene.graph import Box, Edge
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


@dataclass(frozen=True, slots=True)
class Rule:
    """A relation that two kinds of things have when their boxes lie as `test` wants (its answer is a score in
    [0, 1]).

    `single`: an object has it with one subject only, the best.
    """

    predicate: str
    subjects: frozenset[str]
    objects: frozenset[str]
    test: Callable[[Pair], float]
    single: bool = False


def _astride(pair: Pair) -> float:
    """a sits on b: they overlap across, and a's middle and bottom are above b's."""
    touching = pair.gap == 0 and pair.share_a >= 0.1
    higher = middle_y(pair.a) < middle_y(pair.b) and pair.a.y1 <= pair.b.y1 + 0.1 * (pair.b.y1 - pair.b.y0)
    return pair.across if touching and higher and pair.across >= 0.5 else 0.0


def _on_board(pair: Pair) -> float:
    """a stands on a board b: b is at a's feet."""
    height = pair.a.y1 - pair.a.y0
    off = abs(middle_y(pair.b) - pair.a.y1) / height
    return pair.across * (1 - off) if pair.across >= 0.5 and off <= 0.35 else 0.0


def _held(pair: Pair) -> float:
    """a holds b: b's centre is within a's box widened by 15 %, b is smaller than half of a, and not at a's
    feet.
    """
    a, b = pair.a, pair.b
    x, y = (b.x0 + b.x1) / 2, middle_y(b)
    margin = 0.15 * (a.x1 - a.x0)
    inside = a.x0 - margin <= x <= a.x1 + margin and a.y0 - 0.15 * (a.y1 - a.y0) <= y
    reachable = y <= a.y0 + 0.85 * (a.y1 - a.y0)
    return 0.5 + 0.5 * pair.share_b if inside and reachable and b.area <= 0.5 * a.area else 0.0


def _under(pair: Pair) -> float:
    """a holds an umbrella b over itself: they overlap across, b's middle is above a's and a's middle is below
    b.
    """
    a, b = pair.a, pair.b
    over = pair.across >= 0.4 and pair.gap == 0 and middle_y(b) < middle_y(a) and b.area <= 2.5 * a.area
    return 0.5 + 0.5 * pair.across if over else 0.0


def _worn(pair: Pair) -> float:
    """a wears b: most of b lies within a."""
    return pair.share_b if pair.share_b >= 0.6 and pair.b.area <= 0.8 * pair.a.area else 0.0


def _seated(pair: Pair) -> float:
    """a sits on b: much of b's width is shared and a's bottom lies in b's lower part or just above it."""
    height = pair.b.y1 - pair.b.y0
    bottom = (pair.a.y1 - pair.b.y0) / height
    return pair.across if pair.gap == 0 and pair.across >= 0.5 and 0.15 <= bottom <= 1.15 else 0.0


def _aboard(pair: Pair) -> float:
    """a is in a vehicle b: most of a lies within the larger b."""
    return pair.share_a if pair.share_a >= 0.7 and pair.b.area >= 1.5 * pair.a.area else 0.0


def _in_dish(pair: Pair) -> float:
    """a is in a dish b: they share most of the smaller box."""
    return max(pair.share_a, pair.share_b) if max(pair.share_a, pair.share_b) >= 0.7 else 0.0


_PERSON = frozenset({"person"})
_BEINGS = frozenset({"person", "animal"})
_MOUNTS = frozenset(
    {"horse", "elephant", "camel", "donkey", "motorcycle", "bicycle", "atv", "scooter", "tricycle", "sled"}
)
_BOARDS = frozenset({"skateboard", "surfboard", "snowboard", "ski"})
_BAGS = frozenset({"bag"})
_WORN = frozenset({"clothing"})
_HANDY = frozenset(
    {
        *(
            "bottle",
            "cup",
            "glass",
            "utensil",
            "phone",
            "remote",
            "racket",
            "bat",
            "umbrella",
            "frisbee",
            "ball",
        ),
        *(
            "book",
            "newspaper",
            "food",
            "drink",
            "camera",
            "scissors",
            "toothbrush",
            "toy",
            "musical instrument",
        ),
        *("paddle", "game controller", "hair dryer", "flag", "flower", "stick", "weapon", "tool", "balloon"),
        *("wine glass", "sports ball", "teddy bear", "cell phone", "baseball bat", "tennis racket"),
    }
)
_IN_MOUTH = frozenset({"frisbee", "ball", "sports ball", "toy", "stick"})
_DISHES = frozenset({"cup", "glass", "bowl", "pot", "pan"})
_SEATS = frozenset({"seat", "couch", "bench", "bed", "toilet", "chair"})
_VEHICLES = frozenset({"motor vehicle", "boat", "train", "aircraft", "cart"})
_SUPPORTS = frozenset(
    {"furniture", "counter", "shelf", "plate", "tray", "stove", "oven", "keyboard", "vehicle", "rock"}
)
_VESSELS = frozenset(
    {
        "bowl",
        "cup",
        "glass",
        "vase",
        "sink",
        "bathtub",
        "box",
        "basket",
        "bag",
        "vehicle",
        "bed",
        "pot",
        "pan",
    }
)

RULES = (
    Rule("riding", _PERSON, _MOUNTS, _astride),
    Rule("riding", _PERSON, _BOARDS, _on_board, single=True),
    Rule("wearing", _PERSON, _WORN, _worn, single=True),
    Rule("carrying", _PERSON, _BAGS, _held, single=True),
    Rule("holding", _PERSON, frozenset({"umbrella"}), _under, single=True),
    Rule("holding", _PERSON, _HANDY, _held, single=True),
    Rule("holding", frozenset({"dog"}), _IN_MOUTH, _held, single=True),
    Rule("in", _BEINGS, _VEHICLES, _aboard),
    Rule("in", frozenset({"drink", "food"}), _DISHES, _in_dish),
    Rule("sitting on", _BEINGS, _SEATS, _seated),
)

_SCENE_ON = frozenset(
    {
        "beach",
        "mountain",
        "hill",
        "cliff",
        "street",
        "sidewalk",
        "grass",
        "sand",
        "rock",
        "stage",
        "bridge",
        "pier",
        "ground",
    }
)


def relate(things: Sequence[Thing], taxonomy: Taxonomy, *, limit: int = MAX_EDGES) -> list[Edge]:
    """The informative relations, at most one for a pair: by what the things are first, then by where they
    are.

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
    """Beings and vehicles are on, or in, the places whose boxes they overlap."""
    edges = []
    for object_, place in enumerate(things):
        if not place.scene:
            continue
        predicate = "on" if taxonomy.any_of(place.name, _SCENE_ON) else "in"
        for subject, thing in enumerate(things):
            pair = measure(thing.box, place.box)
            grounded = thing.box.y1 >= middle_y(place.box) and pair.share_a >= 0.3
            if not thing.scene and taxonomy.any_of(thing.name, _BEINGS | {"vehicle"}) and grounded:
                score = (0.5 + 0.5 * pair.share_a) * min(thing.score, place.score)
                edges.append(Edge(subject, predicate, object_, round(score, 4)))
    return edges


def _spatial(things: Sequence[Thing], taxonomy: Taxonomy) -> list[Edge]:
    """Where each thing is to its nearest neighbours."""
    wanted: set[tuple[int, int]] = set()
    for index, thing in enumerate(things):
        others = [i for i, other in enumerate(things) if i != index and not other.scene and not thing.scene]
        others.sort(key=lambda i: (_distance(thing.box, things[i].box), i))
        wanted |= {(min(index, i), max(index, i)) for i in others[:NEIGHBOURS]}
    edges = []
    for first, second in sorted(wanted & set(combinations(range(len(things)), 2))):
        # The subject is the smaller thing: a cup is on a table rather than the table below a cup.
        small, large = sorted((first, second), key=lambda i: (things[i].box.area, i))
        a, b = things[small], things[large]
        predicate, score = spatial_relation(
            a.box,
            b.box,
            supports=taxonomy.any_of(b.name, _SUPPORTS) and not taxonomy.any_of(a.name, _PERSON),
            holds=taxonomy.any_of(b.name, _VESSELS),
        )
        if predicate:
            edges.append(Edge(small, predicate, large, round(score * min(a.score, b.score), 4)))
    return edges


def _distance(a: Box, b: Box) -> float:
    """Gap between the boxes plus a little of the distance of their centres, which decides among touching
    ones.
    """
    pair = measure(a, b)
    dx, dy = (a.x0 + a.x1 - b.x0 - b.x1) / 2, middle_y(a) - middle_y(b)
    return pair.gap + 0.1 * math.hypot(dx, dy)
