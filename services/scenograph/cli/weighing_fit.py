"""The fit of `scenograph pack weigh`: a grid of weights, what is best of it, and figures to judge it by."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from scenograph.cli.weighing import Scores
from scenograph.metrics.fusion import Aim, Array, Found, fit, halves, measure, mixes

GRAPH = tuple(round(0.05 * step, 2) for step in range(2, 17))
LEARNED = tuple(round(0.05 * step, 2) for step in range(21))

_SHORT = {"text to image": "T2I", "image to text": "I2T"}

Figures: TypeAlias = dict[str, dict[str, float]]
"""Per cent by what was measured, by the mix."""


def fitted(scores: Scores, least_symbolic: float) -> tuple[Array, Figures]:
    """The best shares of SCORES, and what they and others find.

    At least `least_symbolic` of the graph's share is the symbolic match's. To tell what the choice itself is
    worth, it is also made on one half of the queries and measured on the other, both ways round.
    Errors: ValueError where that leaves no weights to choose from.
    """
    grid = mixes((0.0,), GRAPH, [share for share in LEARNED if share <= 1 - least_symbolic + 1e-9])
    pairs, must = list(scores.pairs.values()), list(scores.must.values())
    best = fit(list(scores.searches.values()), pairs, grid, Aim(), must)
    mixed = {
        "codes": np.array([1.0, 0.0, 0.0, 0.0]),
        "cosine": np.array([0.0, 1.0, 0.0, 0.0]),
        "learned": np.array([0.0, 0.0, 1.0, 0.0]),
        "symbolic": np.array([0.0, 0.0, 0.0, 1.0]),
        "cosine + learned": _without(best, 3),
        "cosine + symbolic": _without(best, 2),
        "fitted": best,
    }
    figures = {
        name: _flat(measure(scores.searches, scores.pairs, weights)) | _first(scores, weights)
        for name, weights in mixed.items()
    }
    parts = {name: halves(len(one.right)) for name, one in scores.searches.items()}
    for one, other in ((0, 1), (1, 0)):
        mine = [ranked.rows(parts[name][one]) for name, ranked in scores.searches.items()]
        rest = {name: ranked.rows(parts[name][other]) for name, ranked in scores.searches.items()}
        chosen = fit(mine, pairs, grid, Aim(), must)
        figures[f"half {one + 1}: cosine"] = _flat(measure(rest, {}, mixed["cosine"]))
        figures[f"half {one + 1}: fitted on the other"] = _flat(measure(rest, {}, chosen))
    return best, figures


def _without(weights: Array, place: int) -> Array:
    """The same weights but for one score."""
    rest: Array = np.where(np.arange(len(weights)) == place, 0.0, weights)
    total: float = rest.sum()
    return np.divide(rest, total)


def _first(scores: Scores, weights: Array) -> dict[str, float]:
    """How many of the sentences about photos of other kinds find theirs first."""
    found = measure(scores.must, {}, weights).recall
    return {f"other kinds {_SHORT[name]} R@1": round(100 * recall[1], 2) for name, recall in found.items()}


def _flat(found: Found) -> dict[str, float]:
    recalls = {
        f"{_SHORT[name]} R@{k}": value for name, one in found.recall.items() for k, value in one.items()
    }
    return {name: round(100 * value, 2) for name, value in (recalls | found.told).items()}
