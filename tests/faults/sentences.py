"""Sentences of which no two are the same, so that one is the best answer to itself alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

COLOURS = ("red", "blue", "green", "yellow", "black", "white", "brown", "orange")
ANIMALS = ("dog", "cat", "horse", "cow", "bird", "sheep", "elephant", "zebra", "bear", "giraffe")
RELATIONS = ("beside", "behind", "in front of", "under")
THINGS = ("boat", "bench", "car", "table", "bicycle", "sofa", "umbrella", "truck", "chair", "kite")


def sentences(seed: int) -> Iterator[str]:
    """About 25,000, in an order that belongs to the seed."""
    parts = list(product(COLOURS, ANIMALS, RELATIONS, COLOURS, THINGS))
    random.Random(seed).shuffle(parts)
    for colour, animal, relation, other, thing in parts:
        yield f"a {colour} {animal} {relation} a {other} {thing}"
