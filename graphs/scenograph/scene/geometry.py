"""Spatial relations from boxes alone. Pure: boxes in, scored predicates out.

All lengths are fractions of the image. For two boxes a and b:

- *on*: half of a's width lies over b, a's bottom is between b's top edge and b's bottom, a's middle is above
b's, and a is
  at most twice as large. Whether b is a thing to stand on, boxes cannot tell: the caller says.
- *in*: at least 85 % of a lies within b, and b is at least twice as large.
- *in front of* / *behind*: they overlap, neither contains the other, both heights are within a factor of 2.5,
and the
  bottoms differ: what stands lower in the picture is nearer to the camera.
- *next to*: they share at least half of the lower one's height, the gap between them is at most half of their
mean
  width, and their areas are within a factor of 4.
- *left of* / *right of*: they share at least 30 % of the lower one's height and lie apart sideways.
- *above* / *below*: they share at least 30 % of the narrower one's width and lie apart upright.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scenograph.scene.graph import Box

IN_SHARE = 0.85
DEPTH_HEIGHT_RATIO = 2.5
NEXT_GAP = 0.5
NEXT_AREA_RATIO = 4.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Measures of box a against box b.

    `share_a`, `share_b`: fraction of each area that both cover. `across`, `upright`: shared extent as a
    fraction of the
    narrower width and the lower height. `gap`: distance between the boxes, 0 where they touch.
    """

    a: Box
    b: Box
    share_a: float
    share_b: float
    across: float
    upright: float
    gap: float


def measure(a: Box, b: Box) -> Pair:
    """Measures of two boxes of positive area."""
    shared_x = min(a.x1, b.x1) - max(a.x0, b.x0)
    shared_y = min(a.y1, b.y1) - max(a.y0, b.y0)
    shared = max(0.0, shared_x) * max(0.0, shared_y)
    return Pair(
        a,
        b,
        share_a=_ratio(shared, a.area),
        share_b=_ratio(shared, b.area),
        across=_ratio(max(0.0, shared_x), min(a.x1 - a.x0, b.x1 - b.x0)),
        upright=_ratio(max(0.0, shared_y), min(a.y1 - a.y0, b.y1 - b.y0)),
        gap=math.hypot(max(0.0, -shared_x), max(0.0, -shared_y)),
    )


def flipped(pair: Pair) -> Pair:
    """The same pair seen from the other box."""
    return Pair(pair.b, pair.a, pair.share_b, pair.share_a, pair.across, pair.upright, pair.gap)


def on_score(pair: Pair) -> float:
    """How clearly a stands on b, by the boxes alone."""
    a, b = pair.a, pair.b
    over = _ratio(max(0.0, min(a.x1, b.x1) - max(a.x0, b.x0)), a.x1 - a.x0)
    slack = 0.1 * min(a.y1 - a.y0, b.y1 - b.y0)
    if (
        over < 0.5
        or not b.y0 - slack <= a.y1 <= b.y1 + slack
        or middle_y(a) >= middle_y(b)
        or a.area > 2 * b.area
    ):
        return 0.0
    return min(1.0, 0.4 + 0.6 * over)


def in_score(pair: Pair) -> float:
    """How clearly a lies within b."""
    if pair.share_a < IN_SHARE or pair.b.area < 2 * pair.a.area:
        return 0.0
    return pair.share_a


def depth_score(pair: Pair) -> float:
    """How clearly a is nearer to the camera than b: lower at the bottom, overlapping, alike in size."""
    height_a, height_b = pair.a.y1 - pair.a.y0, pair.b.y1 - pair.b.y0
    lower = _ratio(pair.a.y1 - pair.b.y1, min(height_a, height_b))
    alike = max(height_a, height_b) <= DEPTH_HEIGHT_RATIO * min(height_a, height_b)
    contained = max(pair.share_a, pair.share_b) >= IN_SHARE
    if lower < 0.08 or not alike or contained or min(pair.across, pair.upright) < 0.15:
        return 0.0
    return min(1.0, 0.4 + lower)


def next_to_score(pair: Pair) -> float:
    """How clearly the two stand side by side."""
    width = (pair.a.x1 - pair.a.x0 + pair.b.x1 - pair.b.x0) / 2
    sizes = max(pair.a.area, pair.b.area) <= NEXT_AREA_RATIO * min(pair.a.area, pair.b.area)
    if (
        pair.upright < 0.5
        or pair.gap > NEXT_GAP * width
        or not sizes
        or max(pair.share_a, pair.share_b) > 0.5
    ):
        return 0.0
    return pair.upright * (1 - 0.5 * _ratio(pair.gap, NEXT_GAP * width))


def left_of_score(pair: Pair) -> float:
    """How clearly a is left of b."""
    return _beside(pair.a.x0, pair.a.x1, pair.b.x0, pair.b.x1) if pair.upright >= 0.3 else 0.0


def above_score(pair: Pair) -> float:
    """How clearly a is above b."""
    return _beside(pair.a.y0, pair.a.y1, pair.b.y0, pair.b.y1) if pair.across >= 0.3 else 0.0


def spatial_relation(a: Box, b: Box, *, supports: bool = True, holds: bool = True) -> tuple[str, float]:
    """The predicate that says most of where a is to b, and its score; ("", 0.0) where none can.

    `supports`: b is a thing that others can be on; `holds`: that others can be in.
    """
    pair = measure(a, b)
    back = flipped(pair)
    ranked = (
        ("in", in_score(pair) if holds else 0.0),
        ("on", on_score(pair) if supports else 0.0),
        ("in front of", depth_score(pair)),
        ("behind", depth_score(back)),
        ("next to", next_to_score(pair)),
        ("left of", left_of_score(pair)),
        ("right of", left_of_score(back)),
        ("above", above_score(pair)),
        ("below", above_score(back)),
    )
    return next(((name, score) for name, score in ranked if score > 0), ("", 0.0))


def _beside(low_a: float, high_a: float, low_b: float, high_b: float) -> float:
    """1 where interval a ends before b begins, falling to 0 where they share half of the shorter one."""
    shared = _ratio(high_a - low_b, min(high_a - low_a, high_b - low_b))
    ordered = low_a < low_b and high_a < high_b
    return max(0.0, 1 - 2 * max(0.0, shared)) if ordered else 0.0


def middle_y(box: Box) -> float:
    """Height of the box's centre."""
    return (box.y0 + box.y1) / 2


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
