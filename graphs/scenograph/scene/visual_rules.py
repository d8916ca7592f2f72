"""What two kinds of things are to each other when their boxes lie so: a person on a horse rides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scenograph.scene.geometry import Pair, middle_y


@dataclass(frozen=True, slots=True)
class Rule:
    """A relation that two kinds of things have when their boxes lie as `test` wants, which scores in [0, 1].

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
    """a holds b: b's centre is in or beside a's box, not at its feet, and b is at most half as large."""
    a, b = pair.a, pair.b
    x, y = (b.x0 + b.x1) / 2, middle_y(b)
    margin = 0.15 * (a.x1 - a.x0)
    inside = a.x0 - margin <= x <= a.x1 + margin and a.y0 - 0.15 * (a.y1 - a.y0) <= y
    reachable = y <= a.y0 + 0.85 * (a.y1 - a.y0)
    return 0.5 + 0.5 * pair.share_b if inside and reachable and b.area <= 0.5 * a.area else 0.0


def _under(pair: Pair) -> float:
    """a holds an umbrella b over itself: b is above a, as far as both middles tell, and touches it."""
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


PERSON = frozenset({"person"})
BEINGS = frozenset({"person", "animal"})
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

RULES = (
    Rule("riding", PERSON, _MOUNTS, _astride),
    Rule("riding", PERSON, _BOARDS, _on_board, single=True),
    Rule("wearing", PERSON, _WORN, _worn, single=True),
    Rule("carrying", PERSON, _BAGS, _held, single=True),
    Rule("holding", PERSON, frozenset({"umbrella"}), _under, single=True),
    Rule("holding", PERSON, _HANDY, _held, single=True),
    Rule("holding", frozenset({"dog"}), _IN_MOUTH, _held, single=True),
    Rule("in", BEINGS, _VEHICLES, _aboard),
    Rule("in", frozenset({"drink", "food"}), _DISHES, _in_dish),
    Rule("sitting on", BEINGS, _SEATS, _seated),
)
