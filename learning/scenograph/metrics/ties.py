"""A ranking with ties, as groups of equally ranked items: all that metrics of a ranking need to know.

Hash codes of L bits put every item at one of L + 1 distances, so most of a ranking is ties. Nothing here
breaks them: the metrics of `scenograph.metrics.ranking` are expectations over all orders of tied items.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tied:
    """Per query, best group first: how many items are tied in it, and how many of them are relevant.

    Shapes: sizes (Q, G), relevant (Q, G); groups may be empty. Every row of `sizes` adds up to the size of
    the database.
    """

    sizes: Counts
    relevant: Counts

    @cached_property
    def ends(self) -> Counts:
        """Items up to and with each group.  Shapes: (Q, G)."""
        return np.cumsum(self.sizes, axis=1)

    @cached_property
    def relevant_ends(self) -> Counts:
        """Relevant items up to and with each group.  Shapes: (Q, G)."""
        return np.cumsum(self.relevant, axis=1)

    @property
    def total_relevant(self) -> Counts:
        """Relevant items in the database.  Shapes: (Q,)."""
        return self.relevant_ends[:, -1]

    @cached_property
    def _ends_in_one_row(self) -> Counts:
        """`ends` of all queries, each above those before it.  Shapes: (Q * G,)."""
        above: Counts = np.arange(len(self.ends))[:, None] * (self.database + 1)
        return (self.ends + above).ravel()

    def group_at(self, rank: int) -> Counts:
        """The group that holds the item of this rank, 1 to the size of the database.  Shapes: -> (Q,)."""
        queries = np.arange(len(self.ends))
        places: Counts = np.searchsorted(self._ends_in_one_row, queries * (self.database + 1) + rank)
        group: Counts = places - queries * self.ends.shape[1]
        return group

    @property
    def database(self) -> int:
        """Number of items that are ranked."""
        return int(self.ends[0, -1])


def tied_by_score(scores: NDArray[np.floating], relevant: Mask) -> Tied:
    """Items grouped by equal score, highest first.

    Shapes: (Q, N), (Q, N).  Errors: ValueError where shapes differ, are empty, or a score is not a number.
    """
    _check(scores, relevant)
    if np.isnan(scores).any():
        raise ValueError("scores must be numbers")
    queries, items = scores.shape
    order = np.argsort(-scores, axis=1)
    ranked = np.take_along_axis(scores, order, axis=1)
    group = np.zeros((queries, items), np.int64)
    np.cumsum(ranked[:, 1:] != ranked[:, :-1], axis=1, out=group[:, 1:])
    return _count(group, np.take_along_axis(relevant, order, axis=1), items)


def tied_by_distance(distances: NDArray[np.integer], relevant: Mask, bits: int) -> Tied:
    """Items grouped by Hamming distance: group d holds those at distance d, so G = bits + 1.

    Shapes: distances (Q, N) in [0, bits], relevant (Q, N).  Errors: ValueError where shapes differ or are
    empty, or a distance is out of range.
    """
    _check(distances, relevant)
    if distances.min() < 0 or distances.max() > bits:
        raise ValueError(f"Hamming distances of {bits} bits are from 0 to {bits}")
    return _count(distances.astype(np.int64), relevant, bits + 1)


def _check(ranked: NDArray[np.number], relevant: Mask) -> None:
    if ranked.shape != relevant.shape or ranked.ndim != 2 or not ranked.size:
        raise ValueError(f"a ranking {ranked.shape} needs relevant items of its shape, not {relevant.shape}")


def _count(group: Counts, relevant: Mask, groups: int) -> Tied:
    """Sizes of the groups that each row names; `group` (Q, N) is used up."""
    queries = len(group)
    group += np.arange(queries)[:, None] * groups
    sizes = np.bincount(group.ravel(), minlength=queries * groups)
    right = np.bincount(group[relevant], minlength=queries * groups)
    return Tied(sizes.reshape(queries, groups), right.reshape(queries, groups))
