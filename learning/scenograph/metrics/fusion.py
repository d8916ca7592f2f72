"""Weights of scores in a ranking: what a mix of them finds, and the mix of a grid that finds the most.

The final score of a candidate is the weighted mean of its scores (Hamming similarity, cosine, and the learned
and the symbolic agreement of the graphs). Weights are shares: they are at least 0 and their sum is 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
KS = (1, 5, 10)


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Queries of one direction with their candidates, best cosine first.

    Shapes: scores (Q, K, S), right (Q, K). Where a query has fewer than K candidates the rest is NaN and not
    right; a query whose right answer is no candidate has no right one.
    """

    scores: Array
    right: Mask

    def __post_init__(self) -> None:
        if self.scores.ndim != 3 or self.scores.shape[:2] != self.right.shape:
            raise ValueError(
                f"scores {self.scores.shape} and right answers {self.right.shape} differ in shape"
            )

    def rows(self, chosen: NDArray[np.intp]) -> Ranked:
        """Some of the queries."""
        return Ranked(self.scores[chosen], self.right[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Scores of true sentences and of false ones for the same photographs.  Shapes: true, false (P, S)."""

    true: Array
    false: Array


@dataclass(frozen=True, slots=True)
class Found:
    """What a mix finds, all in [0, 1]: recalls at KS of each direction, and of each kind of pairs the share
    whose true sentence scores above the false one.
    """

    recall: dict[str, dict[int, float]]
    told: dict[str, float]


def ranks(ranked: Ranked, weights: Array) -> Array:
    """The rank of each query's best right candidate, ties against it; infinite where none is.

    Shapes: weights (S,) -> (Q,).
    """
    total = np.where(np.isnan(ranked.scores).any(axis=2), -np.inf, np.nan_to_num(ranked.scores) @ weights)
    best = np.where(ranked.right, total, -np.inf).max(axis=1, keepdims=True)
    before = ((total >= best) & ~ranked.right).sum(axis=1)
    return np.where(ranked.right.any(axis=1), 1.0 + before, np.inf)


def measure(searches: dict[str, Ranked], pairs: dict[str, Pairs], weights: Array) -> Found:
    """What the mix finds.  Shapes: weights (S,)."""
    recall = {}
    for name, ranked in searches.items():
        found = ranks(ranked, weights)
        recall[name] = {k: float((found <= k).mean()) for k in KS}
    told = {name: float(((one.true - one.false) @ weights > 0).mean()) for name, one in pairs.items()}
    return Found(recall, told)


@dataclass(frozen=True, slots=True)
class Aim:
    """What is best: the sum of the mean reciprocal rank of each direction, and `pairs` times the mean share
    of pairs told apart.

    Reciprocal ranks, for they change with every place that a right answer gains and so jump less than R@1.
    """

    pairs: float = 0.5

    def value(self, searches: Sequence[Ranked], pairs: Sequence[Pairs], weights: Array) -> float:
        """The aim's value of a mix.  Shapes: weights (S,)."""
        found = sum(float((1.0 / ranks(one, weights)).mean()) for one in searches)
        told = [float(((one.true - one.false) @ weights > 0).mean()) for one in pairs]
        return found + self.pairs * sum(told) / max(1, len(told))


def fit(
    searches: Sequence[Ranked],
    pairs: Sequence[Pairs],
    grid: Sequence[Array],
    aim: Aim,
    must: Sequence[Ranked] = (),
    slack: int = 1,
) -> Array:
    """The mix of the grid with the greatest value; of equals the first.

    Only those are looked at that put as many right answers of `must` first as any, or `slack` less.
    Errors: ValueError for an empty grid.
    """
    if not grid:
        raise ValueError("no weights to choose from")
    first = [sum(int((ranks(one, weights) == 1).sum()) for one in must) for weights in grid]
    allowed = [weights for weights, count in zip(grid, first, strict=True) if count >= max(first) - slack]
    return max(allowed, key=lambda weights: aim.value(searches, pairs, weights))


def mixes(coarse: Sequence[float], graph: Sequence[float], learned: Sequence[float]) -> list[Array]:
    """Shares of (coarse, cosine, learned, symbolic): the graph's share, the learned one's share of that, and
    of the rest the codes'.
    """
    return [
        np.array([(1 - g) * c, (1 - g) * (1 - c), g * part, g * (1 - part)])
        for c, g, part in product(coarse, graph, learned)
    ]


def halves(count: int, seed: int = 0) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Two random halves of so many rows, each in order: to fit on one and to measure on the other."""
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[: count // 2]), np.sort(order[count // 2 :])
