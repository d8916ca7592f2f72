"""The learned agreement of two graphs: sentences' units laid on images' units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.graph import SceneGraph
from scenograph.scene.units import GraphUnits, UnitKind

FloatArray = NDArray[np.float32]
Feeds = Mapping[str, NDArray[Any]]
MODEL = "unit_matcher"


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """How well a sentence's graph is shown by an image's: `score` in [0, 1]; for each textual unit the cosine
    with its best visual unit, and which that is.
    """

    score: float
    best: FloatArray
    place: NDArray[np.int64]


def learned_matches(
    query: SceneGraph, candidates: Sequence[SceneGraph], infer: Callable[[Feeds], Feeds]
) -> list[Learned | None]:
    """The learned agreement of the query with each candidate; None where it is not a sentence with an image,
    or one of them has no units. Blocking: runs the model.
    """
    found: list[Learned | None] = [None] * len(candidates)
    if query.units is None:
        return found
    seen = is_seen(query.units)
    size = query.units.dimension
    known = {
        place: graph.units
        for place, graph in enumerate(candidates)
        if graph.units is not None and is_seen(graph.units) != seen and graph.units.dimension == size
    }
    if not known:
        return found
    one, many = [query.units], list(known.values())
    feeds = _said(many if seen else one) | _seen(one if seen else many)
    answer = infer(feeds)
    scores, best, places = answer["score"], answer["best"], answer["place"]
    for row, (place, units) in enumerate(known.items()):
        at = (row, 0) if seen else (0, row)
        count = len(units) if seen else len(query.units)
        found[place] = Learned(float(scores[at]), best[at[0], :count, at[1]], places[at[0], :count, at[1]])
    return found


def is_seen(units: GraphUnits) -> bool:
    """Whether these are an image's units."""
    return units.boxes is not None


def _said(graphs: Sequence[GraphUnits]) -> dict[str, FloatArray]:
    weights = _padded([units.weights for units in graphs])
    return {"text": _vectors(graphs), "weights": weights, "text_scene": _padded([_scene(u) for u in graphs])}


def _seen(graphs: Sequence[GraphUnits]) -> dict[str, FloatArray]:
    visual, scene = _vectors(graphs), _padded([_scene(units) for units in graphs])
    sizes = np.array([[len(units)] for units in graphs])
    present = (np.arange(visual.shape[1]) < sizes).astype(np.float32)
    return {"visual": visual, "present": present, "visual_scene": scene}


def _vectors(graphs: Sequence[GraphUnits]) -> FloatArray:
    """The units of each of G graphs, zeros past their end.  Shapes: -> (G, longest, d)."""
    longest = max(len(units) for units in graphs)
    padded = np.zeros((len(graphs), longest, graphs[0].dimension), dtype=np.float32)
    for row, units in enumerate(graphs):
        np.multiply(units.vectors, units.scales[:, np.newaxis], out=padded[row, : len(units)])
    return padded


def _scene(units: GraphUnits) -> FloatArray:
    return np.asarray(units.kinds == UnitKind.SCENE, dtype=np.float32)


def _padded(arrays: Sequence[FloatArray]) -> FloatArray:
    """Arrays of different lengths as one, zeros past the end of each."""
    longest = max(len(array) for array in arrays)
    padded = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), dtype=np.float32)
    for row, array in enumerate(arrays):
        padded[row, : len(array)] = array
    return padded
