"""Spatial relations from boxes: each rule on a picture in words, and what mirrors and turns do to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from tests.strategies import boxes

from scenograph.scene.geometry import (
    above_score,
    depth_score,
    flipped,
    in_score,
    left_of_score,
    measure,
    next_to_score,
    on_score,
    spatial_relation,
)
from scenograph.scene.graph import Box

CASES = [
    ("a cup on a table", Box(0.4, 0.3, 0.5, 0.52), Box(0.1, 0.5, 0.9, 0.9), "on"),
    ("a cup within a table's box", Box(0.4, 0.45, 0.5, 0.6), Box(0.1, 0.5, 0.9, 0.9), "on"),
    ("an apple in a bowl", Box(0.4, 0.4, 0.5, 0.5), Box(0.3, 0.3, 0.7, 0.6), "in"),
    ("two people side by side", Box(0.1, 0.2, 0.3, 0.9), Box(0.35, 0.2, 0.55, 0.9), "next to"),
    ("two people far apart", Box(0.0, 0.2, 0.2, 0.9), Box(0.8, 0.2, 1.0, 0.9), "left of"),
    ("the same, the other way", Box(0.8, 0.2, 1.0, 0.9), Box(0.0, 0.2, 0.2, 0.9), "right of"),
    ("a kite above a person", Box(0.4, 0.0, 0.6, 0.2), Box(0.4, 0.6, 0.6, 1.0), "above"),
    ("a person below a kite", Box(0.4, 0.6, 0.6, 1.0), Box(0.4, 0.0, 0.6, 0.2), "below"),
    ("one car half hides another", Box(0.2, 0.4, 0.6, 0.9), Box(0.4, 0.3, 0.8, 0.7), "in front of"),
    ("the hidden car", Box(0.4, 0.3, 0.8, 0.7), Box(0.2, 0.4, 0.6, 0.9), "behind"),
    ("a bird up left of a far dog", Box(0.0, 0.0, 0.1, 0.1), Box(0.7, 0.7, 1.0, 1.0), ""),
]


@pytest.mark.parametrize(
    ("a", "b", "predicate"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_predicate_that_says_most(a: Box, b: Box, predicate: str) -> None:
    name, score = spatial_relation(a, b)
    assert name == predicate
    assert 0 <= score <= 1
    assert (score > 0) == bool(name)


def test_the_caller_says_what_supports_and_what_holds() -> None:
    cup, table = Box(0.4, 0.3, 0.5, 0.52), Box(0.1, 0.5, 0.9, 0.9)
    assert spatial_relation(cup, table, supports=False)[0] != "on"
    apple, bowl = Box(0.4, 0.4, 0.5, 0.5), Box(0.3, 0.3, 0.7, 0.6)
    assert spatial_relation(apple, bowl, holds=False)[0] != "in"


def mirrored(box: Box) -> Box:
    return Box(1 - box.x1, box.y0, 1 - box.x0, box.y1)


@given(a=boxes(), b=boxes())
def test_scores_are_scores_and_nothing_is_left_and_right_at_once(a: Box, b: Box) -> None:
    pair = measure(a, b)
    for score in (on_score, in_score, depth_score, next_to_score, left_of_score, above_score):
        assert 0 <= score(pair) <= 1 + 1e-9
    assert not (left_of_score(pair) and left_of_score(flipped(pair)))
    assert not (above_score(pair) and above_score(flipped(pair)))
    assert not (depth_score(pair) and depth_score(flipped(pair)))
    assert next_to_score(pair) == pytest.approx(next_to_score(flipped(pair)))


@given(a=boxes(), b=boxes())
def test_a_mirror_swaps_left_and_right_only(a: Box, b: Box) -> None:
    seen, image = measure(a, b), measure(mirrored(a), mirrored(b))
    assert left_of_score(seen) == pytest.approx(left_of_score(flipped(image)), abs=1e-6)
    assert above_score(seen) == pytest.approx(above_score(image), abs=1e-6)


@given(a=boxes(), b=boxes())
def test_flipping_a_pair_is_measuring_it_the_other_way(a: Box, b: Box) -> None:
    there, back = flipped(measure(a, b)), measure(b, a)
    assert (there.a, there.b) == (back.a, back.b)
    for name in ("share_a", "share_b", "across", "upright", "gap"):
        assert getattr(there, name) == pytest.approx(getattr(back, name))


@given(a=boxes())
def test_a_thing_is_nowhere_with_respect_to_itself(a: Box) -> None:
    assert spatial_relation(a, a) == ("", 0.0)
