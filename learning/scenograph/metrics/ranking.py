"""Metrics of rankings in which any number of items may be relevant, one value a query.

Ties: each value is the expectation over all orders of tied items, in closed form, so that neither the order
of the database nor chance moves it.  Source: McSherry and Najork 2008, "Computing information retrieval
performance measures efficiently in the presence of tied scores". Without ties they are the usual metrics. A
query without relevant items scores 0.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from scenograph.metrics.ties import Tied

Values = NDArray[np.float64]
_BLOCK = 256


def average_precision(ranking: Tied, at: int | None = None) -> Values:
    """The mean, over the relevant items, of the precision at their ranks: MAP is its mean over queries.

    `at=None` (MAP@ALL): over the whole ranking. `at=k` (MAP@k): over the relevant items among the first k, 0
    where there are none; the two are never comparable.  Shapes: -> (Q,).  Source for `at`: the evaluation of
    Su et al. 2019 (DJSRH) and its followers, MAP@50.
    """
    if at is None or at >= ranking.database:
        return ratio(_precision_sums_of(ranking, ranking.sizes.shape[1]).sum(axis=1), ranking.total_relevant)
    _check_cut(at)
    cut = ranking.group_at(at)
    groups, queries = int(cut.max()) + 1, np.arange(len(cut))
    sums = _precision_sums_of(ranking, groups)
    inside = ranking.ends[:, :groups] <= at
    within = np.where(inside, sums, 0.0).sum(axis=1)
    found = np.where(inside, ranking.relevant[:, :groups], 0).sum(axis=1)
    values = ratio(within, found)
    crossing = np.flatnonzero(ranking.ends[queries, cut] > at)
    for start in range(0, len(crossing), _BLOCK):
        rows = crossing[start : start + _BLOCK]
        sizes, relevant = ranking.sizes[rows, cut[rows]], ranking.relevant[rows, cut[rows]]
        starts = ranking.ends[rows, cut[rows]] - sizes
        values[rows] = _split_precision(within[rows], found[rows], starts, sizes, relevant, at)
    return values


def _precision_sums_of(ranking: Tied, groups: int) -> Values:
    """The expected sum of precisions of each of the first groups.  Shapes: -> (Q, groups)."""
    ends, sizes = ranking.ends[:, :groups], ranking.sizes[:, :groups]
    relevant_starts = ranking.relevant_ends[:, :groups] - ranking.relevant[:, :groups]
    harmonic = _harmonic(int(ends.max()))
    return _precision_sums(ends - sizes, relevant_starts, sizes, ranking.relevant[:, :groups], harmonic)


def _precision_sums(
    starts: NDArray[np.number],
    relevant_starts: NDArray[np.number],
    sizes: NDArray[np.number],
    relevant: NDArray[np.number],
    harmonic: Values,
) -> Values:
    """The expected sum of precisions at the relevant items of each group (McSherry and Najork 2008).

    With n items before, r of them relevant, and m relevant among t tied: the item at place n + i is relevant
    with probability m / t, and then 1 + r + (i - 1)(m - 1) / (t - 1) items up to it are.
    """
    others = np.divide(relevant - 1.0, sizes - 1.0, out=np.zeros(sizes.shape), where=sizes > 1)
    rate = ratio(relevant, sizes)
    spread = harmonic[starts + sizes] - harmonic[starts]
    expected: Values = rate * (others * sizes + (1.0 + relevant_starts - others * (starts + 1.0)) * spread)
    return expected


def _split_precision(
    within: Values,
    found: NDArray[np.int64],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    relevant: NDArray[np.int64],
    at: int,
) -> Values:
    """Average precision at a cut inside a group, over the number of its relevant items before the cut.

    That number is hypergeometric; given it, all orders of the places before the cut are equally likely.
    Shapes: (S,) each -> (S,).
    """
    places = (at - starts)[:, None]
    drawn = np.arange(int(min(places.max(), relevant.max())) + 1)[None]
    t, m = sizes[:, None], relevant[:, None]
    possible = (drawn <= m) & (drawn <= places) & (places - drawn <= t - m)
    safe = np.where(possible, drawn, np.maximum(0, places - (t - m)))
    log_chance = _log_choose(m, safe) + _log_choose(t - m, places - safe) - _log_choose(t, places)
    sums = within[:, None] + _precision_sums(
        np.broadcast_to(starts[:, None], safe.shape),
        found[:, None],
        np.broadcast_to(places, safe.shape),
        safe,
        _harmonic(at),
    )
    value = ratio(sums, found[:, None] + safe)
    expected: Values = np.where(possible, np.exp(log_chance) * value, 0.0).sum(axis=1)
    return expected


def _log_choose(n: NDArray[np.int64], k: NDArray[np.int64]) -> Values:
    chosen: Values = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return chosen


def relevant_within(ranking: Tied, at: int) -> Values:
    """The expected number of relevant items among the first `at`.  Shapes: -> (Q,)."""
    _check_cut(at)
    at = min(at, ranking.database)
    group = ranking.group_at(at)[:, None]
    size, relevant, end, relevant_end = (
        np.take_along_axis(each, group, axis=1)[:, 0]
        for each in (ranking.sizes, ranking.relevant, ranking.ends, ranking.relevant_ends)
    )
    expected: Values = relevant_end - (end - at) * relevant / size
    return expected


def precision_at(ranking: Tied, at: int) -> Values:
    """Relevant items among the first `at`, divided by `at`.  Shapes: -> (Q,)."""
    return relevant_within(ranking, at) / at


def recall_at(ranking: Tied, at: int) -> Values:
    """Relevant items among the first `at`, divided by all relevant items.  Shapes: -> (Q,).

    Not the R@k of caption retrieval, which asks for one right answer: that is `success_at`.
    """
    return ratio(relevant_within(ranking, at), ranking.total_relevant)


def success_at(ranking: Tied, at: int) -> Values:
    """The chance of a relevant item among the first `at`.  Shapes: -> (Q,)."""
    _check_cut(at)
    at = min(at, ranking.database)
    group = ranking.group_at(at)
    values = np.zeros(len(group))
    for query, place in enumerate(group):
        size, relevant = int(ranking.sizes[query, place]), int(ranking.relevant[query, place])
        drawn = at - int(ranking.ends[query, place]) + size
        before = int(ranking.relevant_ends[query, place]) - relevant
        values[query] = 1.0 if before else 1.0 - comb(size - relevant, drawn) / comb(size, drawn)
    return values


def ndcg_at(ranking: Tied, at: int | None = None) -> Values:
    """Discounted cumulative gain of the first `at` (all), divided by the best possible; gain 1 if relevant.

    Shapes: -> (Q,).  Source: Järvelin and Kekäläinen 2002, with the discount 1 / log2(rank + 1).
    """
    at = ranking.database if at is None else min(at, ranking.database)
    _check_cut(at)
    discount = _cumulative(1.0 / np.log2(np.arange(2, at + 2)))
    groups = int(ranking.group_at(at).max()) + 1
    ends, sizes = ranking.ends[:, :groups], ranking.sizes[:, :groups]
    discounts = discount[np.minimum(ends, at)] - discount[np.minimum(ends - sizes, at)]
    gain = (ratio(ranking.relevant[:, :groups], sizes) * discounts).sum(axis=1)
    best: Values = discount[np.minimum(ranking.total_relevant, at)]
    return ratio(gain, best)


def ratio(part: NDArray[np.number], whole: NDArray[np.number]) -> Values:
    """Elementwise; 0 where the whole is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    values: Values = np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
    return values


def _harmonic(last: int) -> Values:
    """1 + 1/2 + ... + 1/n for n from 0 to `last`."""
    return _cumulative(1.0 / np.arange(1, last + 1))


def _cumulative(values: Values) -> Values:
    return np.concatenate([[0.0], np.cumsum(values)])


def _check_cut(at: int) -> None:
    if at < 1:
        raise ValueError(f"a ranking is cut after at least one item, not {at}")
