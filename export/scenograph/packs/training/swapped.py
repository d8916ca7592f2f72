"""Captions with two objects or two attributes exchanged, whatever they are: many, and not always sensible.

`scenograph.data.compositional` makes fewer, for evaluation, that a reader would believe.
"""

from __future__ import annotations

import numpy as np

from scenograph.data.compositional import Kind, Negative
from scenograph.scene.graph import SceneGraph
from scenograph.scene.text_parts import Spans, text_parts

OBJECT_SHARE, ATTRIBUTE_SHARE = 0.3, 0.7  # of captions in which it can be done
Span = tuple[int, int]


def swaps(text: str, graph: SceneGraph, rng: np.random.Generator) -> list[Negative]:
    """The ends of one relation exchanged, the attributes of two objects exchanged, or none of these."""
    parts, found = text_parts(text, graph).affirmed(), []
    if parts.relations and rng.random() < OBJECT_SHARE:
        _, subject, target = parts.relations[int(rng.integers(len(parts.relations)))]
        ends = [_whole(parts.objects[end].words) for end in (subject, target)]
        found += _swapped("swap_object", text, ends[0], ends[1])
    described = [_whole(said.attributes) for said in parts.objects if len(said.attributes) == 1]
    if len(described) > 1 and rng.random() < ATTRIBUTE_SHARE:
        one, other = rng.choice(len(described), 2, replace=False)
        found += _swapped("swap_attribute", text, described[one], described[other])
    return found


def _whole(spans: Spans) -> Span:
    return spans[0][0], spans[-1][1]


def _swapped(kind: Kind, text: str, one: Span, other: Span) -> list[Negative]:
    (start, end), (begin, stop) = sorted((one, other))
    first, second = text[start:end], text[begin:stop]
    if end > begin or first.lower() == second.lower():
        return []
    return [Negative(kind, text[:start] + second + text[end:begin] + first + text[stop:], first, second)]
