"""Average precision of many words, and limits from which they are said."""

from __future__ import annotations

import numpy as np
import pytest

from scenograph.metrics.words import average_precisions, best_threshold


def test_average_precision_is_the_mean_precision_at_what_was_said() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((40, 3)).round(1)  # with ties
    targets = (rng.random((40, 3)) < 0.3).astype(np.float32)
    weights = (rng.random((40, 3)) < 0.8).astype(np.float32)
    found, often = average_precisions(scores, targets, weights)
    for word in range(3):
        rows = [row for row in range(40) if weights[row, word] > 0]
        rows.sort(key=lambda row: (-scores[row, word], targets[row, word]))
        right = [targets[row, word] >= 0.5 for row in rows]
        precisions = [sum(right[: rank + 1]) / (rank + 1) for rank in range(len(rows)) if right[rank]]
        assert found[word] == pytest.approx(np.mean(precisions))
        assert often[word] == pytest.approx(np.mean(right))


def test_rare_words_are_not_measured() -> None:
    found, often = average_precisions(np.eye(4), np.eye(4), np.ones((4, 4)), least=2)
    assert np.isnan(found).all()
    assert np.isnan(often).all()


def test_threshold_of_the_best_f_measure() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
    said = np.array([True, True, False, True, False])
    assert best_threshold(scores, said) == 0.2
    assert best_threshold(scores, said, beta=0.3) == 0.8
    assert best_threshold(scores, np.zeros(5, bool)) == float("inf")
