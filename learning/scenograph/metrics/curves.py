"""Precision-recall curves, averaged over queries, and what a Hamming ball of some radius holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenograph.metrics.ranking import ratio
from scenograph.metrics.ties import Tied


@dataclass(frozen=True, slots=True)
class Curve:
    """One point for each cut of the ranking, in [0, 1]; `cuts` are ranks or Hamming radii."""

    cuts: tuple[int, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]


def cuts_of(database: int, points: int = 40) -> tuple[int, ...]:
    """Ranks from 1 to the size of the database, evenly spaced on a logarithmic scale."""
    return tuple(sorted({round(rank) for rank in np.geomspace(1, database, points).tolist()}))


def precision_recall_by_radius(ranking: Tied) -> Curve:
    """The hashing curve: lookup within radius 0, 1, ..., L, of a ranking by Hamming distance.

    Precision is averaged over the queries whose ball holds an item, recall over those with a relevant item in
    the database. Radii at which no ball holds anything are left out.
    """
    found, right = ranking.ends, ranking.relevant_ends
    wanted = ranking.total_relevant
    answerable = wanted > 0
    cuts, precision, recall = [], [], []
    for radius in range(found.shape[1]):
        filled = found[:, radius] > 0
        if filled.any():
            cuts.append(radius)
            precision.append(float((right[filled, radius] / found[filled, radius]).mean()))
            share = right[answerable, radius] / wanted[answerable]
            recall.append(float(share.mean()) if len(share) else 0.0)
    return Curve(tuple(cuts), tuple(precision), tuple(recall))


@dataclass(frozen=True, slots=True)
class Lookup:
    """Hash table lookup within a radius, means over queries in [0, 1].

    `success`: queries whose ball holds an item. `precision`: the share of relevant items in the ball, 0 for
    an empty one. `recall`: the share of all relevant items that are in the ball.
    """

    radius: int
    success: float
    precision: float
    recall: float


def hamming_lookup(ranking: Tied, radius: int = 2) -> Lookup:
    """What lookup finds in a ranking by Hamming distance. Errors: ValueError for a radius beyond the bits."""
    if not 0 <= radius < ranking.sizes.shape[1]:
        raise ValueError(f"codes of {ranking.sizes.shape[1] - 1} bits have no radius {radius}")
    found, right, wanted = ranking.ends[:, radius], ranking.relevant_ends[:, radius], ranking.total_relevant
    return Lookup(
        radius,
        float((found > 0).mean()),
        float(ratio(right, found).mean()),
        float(ratio(right, wanted).mean()),
    )
