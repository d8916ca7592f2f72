"""Scores of whole runs: against loops over queries, whatever the block; Hamming lookup and curves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.metrics.pairwise import cosine_similarity

from scenograph.metrics import benchmark
from scenograph.metrics.benchmark import score_codes, score_vectors
from scenograph.metrics.hamming import hamming_distances
from scenograph.metrics.relevance import share_a_label

RNG = np.random.default_rng(0)
LABELS, OTHER_LABELS = RNG.random((30, 6)) < 0.25, RNG.random((80, 6)) < 0.25
VECTORS, OTHERS = RNG.normal(size=(30, 5)), RNG.normal(size=(80, 5))
CODES, OTHER_CODES = RNG.random((30, 8)) < 0.5, RNG.random((80, 8)) < 0.5


@pytest.fixture(params=[1, 100, 10**6], autouse=True)
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "_BLOCK", request.param)


def slow_relevance() -> NDArray[np.bool_]:
    classes, others = ([set(np.flatnonzero(row)) for row in rows] for rows in (LABELS, OTHER_LABELS))
    return np.array([[bool(first & second) for second in others] for first in classes])


def slow_distances() -> NDArray[np.int64]:
    return np.array([[int((a != b).sum()) for b in OTHER_CODES] for a in CODES])


def test_a_shared_label_is_relevance() -> None:
    np.testing.assert_array_equal(share_a_label(LABELS, OTHER_LABELS), slow_relevance())
    with pytest.raises(ValueError, match="classes"):
        share_a_label(LABELS, OTHER_LABELS[:, :3])


def test_hamming_distances_count_differing_bits() -> None:
    np.testing.assert_array_equal(hamming_distances(CODES, OTHER_CODES), slow_distances())
    with pytest.raises(ValueError, match="length"):
        hamming_distances(CODES, OTHER_CODES[:, :3])


def test_vectors_are_ranked_by_cosine() -> None:
    relevant, cosine = slow_relevance(), cosine_similarity(VECTORS, OTHERS)
    score = score_vectors(VECTORS, OTHERS, LABELS, OTHER_LABELS)
    wanted = [
        average_precision_score(right, row) if right.any() else 0.0
        for right, row in zip(relevant, cosine, strict=True)
    ]
    ranked = np.take_along_axis(relevant, np.argsort(-cosine, axis=1), axis=1)
    found = relevant.any(axis=1)
    assert score.map_all == pytest.approx(np.mean(wanted))
    assert score.precision[10] == pytest.approx(ranked[:, :10].mean())
    share = ranked[found, :10].sum(axis=1) / relevant[found].sum(axis=1)
    assert score.recall[10] == pytest.approx(share.sum() / len(relevant))
    assert (score.queries, score.database) == (30, 80)
    assert score.curve.cuts[-1] == 80
    assert score.curve.recall[-1] == pytest.approx(found.mean())
    assert score.curve.precision[-1] == pytest.approx(relevant.mean())


def test_chance_is_what_a_constant_ranking_earns() -> None:
    score = score_vectors(np.ones((30, 2)), np.ones((80, 2)), LABELS, OTHER_LABELS)
    assert score.map_all == pytest.approx(score.chance)
    assert score_vectors(np.zeros((30, 2)), OTHERS[:, :2], LABELS, OTHER_LABELS).map_all == score.map_all


def test_codes_are_ranked_by_distance_with_the_ball_of_each_radius() -> None:
    relevant, distances = slow_relevance(), slow_distances()
    score = score_codes(CODES, OTHER_CODES, LABELS, OTHER_LABELS)
    assert score.bits == 8
    for position, radius in enumerate(score.by_radius.cuts):
        shares, recalls = [], []
        for right, row in zip(relevant, distances, strict=True):
            ball = row <= radius
            if ball.any():
                shares.append(right[ball].mean())
            if right.any():
                recalls.append(right[ball].sum() / right.sum())
        assert score.by_radius.precision[position] == pytest.approx(np.mean(shares))
        assert score.by_radius.recall[position] == pytest.approx(np.mean(recalls))
    balls = distances <= 2
    assert score.lookup.success == pytest.approx(balls.any(axis=1).mean())
    held = [right[ball].mean() if ball.any() else 0.0 for right, ball in zip(relevant, balls, strict=True)]
    assert score.lookup.precision == pytest.approx(np.mean(held))


def test_shuffling_the_database_changes_nothing() -> None:
    order = np.random.default_rng(1).permutation(len(OTHER_CODES))
    first = score_codes(CODES, OTHER_CODES, LABELS, OTHER_LABELS)
    second = score_codes(CODES, OTHER_CODES[order], LABELS, OTHER_LABELS[order])
    assert first.ranking.map_all == pytest.approx(second.ranking.map_all, abs=1e-15)
    assert first.ranking.map_50 == pytest.approx(second.ranking.map_50, abs=1e-15)


@pytest.mark.parametrize(
    ("queries", "labels"),
    [(VECTORS[:0], LABELS[:0]), (VECTORS, LABELS[:3]), (VECTORS[:, :2], LABELS), (VECTORS * np.nan, LABELS)],
)
def test_runs_that_do_not_fit_are_refused(queries: NDArray[np.float64], labels: NDArray[np.bool_]) -> None:
    with pytest.raises(ValueError, match=r"empty|labels|space|numbers"):
        score_vectors(queries, OTHERS, labels, OTHER_LABELS)
