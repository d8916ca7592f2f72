"""Ranking metrics: closed forms against every order of the tied items, and against scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, ndcg_score

from scenograph.metrics.ranking import (
    average_precision,
    ndcg_at,
    precision_at,
    recall_at,
    success_at,
)
from scenograph.metrics.ties import Tied, tied_by_distance, tied_by_score

Metric = Callable[[Sequence[bool]], float]


def orders(scores: Sequence[float], relevant: Sequence[bool]) -> Iterator[list[bool]]:
    """Every ranking, as its relevant places, that sorts the scores."""
    ranked = sorted(zip(scores, relevant, strict=True), key=lambda pair: -pair[0])
    groups = [[right for _, right in group] for _, group in groupby(ranked, key=lambda pair: pair[0])]
    for chosen in product(*(list(permutations(group)) for group in groups)):
        yield [right for group in chosen for right in group]


def expected(scores: Sequence[float], relevant: Sequence[bool], metric: Metric) -> float:
    return float(np.mean([metric(order) for order in orders(scores, relevant)]))


def slow_average_precision(at: int | None) -> Metric:
    def metric(ranked: Sequence[bool]) -> float:
        found, precisions = 0, []
        for place, right in enumerate(ranked[:at], start=1):
            if right:
                found += 1
                precisions.append(found / place)
        return sum(precisions) / found if found else 0.0

    return metric


def slow_ndcg(at: int) -> Metric:
    def metric(ranked: Sequence[bool]) -> float:
        gain = sum(right / np.log2(place + 1) for place, right in enumerate(ranked[:at], start=1))
        best = sum(1 / np.log2(place + 1) for place in range(1, min(at, sum(ranked)) + 1))
        return float(gain / best) if best else 0.0

    return metric


RANKINGS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6)


@given(RANKINGS, st.integers(1, 7))
def test_every_metric_is_the_mean_over_all_orders_of_ties(ranking: list[tuple[int, bool]], at: int) -> None:
    scores, relevant = [float(score) for score, _ in ranking], [right for _, right in ranking]
    tied = tied_by_score(np.array([scores]), np.array([relevant]))
    total = sum(relevant)
    pairs: list[tuple[NDArray[np.float64], Metric]] = [
        (average_precision(tied), slow_average_precision(None)),
        (average_precision(tied, at), slow_average_precision(at)),
        (precision_at(tied, at), lambda ranked: sum(ranked[:at]) / at),
        (recall_at(tied, at), lambda ranked: sum(ranked[:at]) / total if total else 0.0),
        (success_at(tied, at), lambda ranked: float(any(ranked[:at]))),
        (ndcg_at(tied, at), slow_ndcg(at)),
    ]
    for value, metric in pairs:
        assert value[0] == pytest.approx(expected(scores, relevant, metric), abs=1e-12)


def test_without_ties_average_precision_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    scores, relevant = rng.normal(size=(20, 300)), rng.random((20, 300)) < 0.1
    wanted = [average_precision_score(right, row) for right, row in zip(relevant, scores, strict=True)]
    np.testing.assert_allclose(average_precision(tied_by_score(scores, relevant)), wanted)


@pytest.mark.parametrize("at", [None, 1, 10, 300])
def test_ndcg_is_scikit_learns_with_and_without_ties(at: int | None) -> None:
    rng = np.random.default_rng(1)
    for scores in (rng.normal(size=(20, 300)), rng.integers(0, 9, (20, 300)).astype(float)):
        relevant = rng.random((20, 300)) < 0.1
        wanted = [
            ndcg_score(right[None].astype(float), row[None], k=at)
            for right, row in zip(relevant, scores, strict=True)
        ]
        np.testing.assert_allclose(ndcg_at(tied_by_score(scores, relevant), at), wanted)


def test_a_long_tie_at_the_cut_is_what_shuffling_gives_on_average() -> None:
    rng = np.random.default_rng(2)
    distances, relevant = rng.integers(0, 4, 500), rng.random(500) < 0.2
    value = average_precision(tied_by_distance(distances[None], relevant[None], 16), 50)[0]
    metric, sampled = slow_average_precision(50), []
    for _ in range(2000):
        order = np.lexsort([rng.random(500), distances])
        sampled.append(metric(relevant[order].tolist()))
    assert value == pytest.approx(np.mean(sampled), abs=4 * np.std(sampled) / np.sqrt(2000))


def test_distances_and_scores_group_alike() -> None:
    rng = np.random.default_rng(3)
    distances, relevant = rng.integers(0, 17, (7, 90)), rng.random((7, 90)) < 0.3
    by_distance = tied_by_distance(distances, relevant, 16)
    by_score = tied_by_score(-distances.astype(float), relevant)
    for at in (None, 1, 5, 50, 1000):
        np.testing.assert_allclose(average_precision(by_distance, at), average_precision(by_score, at))
    assert by_distance.sizes.shape == (7, 17)
    assert by_distance.database == by_score.database == 90


def test_constant_scores_earn_what_chance_does() -> None:
    tied = tied_by_score(np.zeros((1, 1000)), np.arange(1000)[None] < 100)
    assert precision_at(tied, 10)[0] == pytest.approx(0.1)
    assert average_precision(tied)[0] == pytest.approx(0.1, abs=0.01)


def test_no_relevant_item_scores_nothing() -> None:
    tied = tied_by_score(np.array([[0.3, 0.2]]), np.array([[False, False]]))
    values = [average_precision(tied), average_precision(tied, 1), recall_at(tied, 1), ndcg_at(tied)]
    assert [float(value[0]) for value in values] == [0.0] * 4


@pytest.mark.parametrize(
    ("scores", "relevant"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4), bool)),
        (np.zeros((0, 3)), np.zeros((0, 3), bool)),
        (np.array([[np.nan, 1.0]]), np.zeros((1, 2), bool)),
    ],
)
def test_what_is_no_ranking_is_refused(scores: NDArray[np.float64], relevant: NDArray[np.bool_]) -> None:
    with pytest.raises(ValueError, match=r"ranking|numbers"):
        tied_by_score(scores, relevant)


def test_distances_beyond_the_bits_and_cuts_before_the_first_are_refused() -> None:
    with pytest.raises(ValueError, match="16 bits"):
        tied_by_distance(np.array([[17]]), np.array([[True]]), 16)
    with pytest.raises(ValueError, match="at least one"):
        precision_at(Tied(np.array([[2]]), np.array([[1]])), 0)
