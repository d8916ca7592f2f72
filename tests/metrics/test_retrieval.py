"""Recall and ranks against a slow obvious count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenograph.metrics.retrieval import (
    caption_retrieval,
    first_right_ranks,
    first_right_ranks_of_lists,
    summarize,
)


def slow_rank(scores: list[float], right: list[bool]) -> int:
    """Sort by score, wrong answers before right ones of the same score; the place of the first right one."""
    order = sorted(range(len(scores)), key=lambda item: (-scores[item], right[item]))
    return 1 + next(place for place, item in enumerate(order) if right[item])


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 12))
def test_ranks_equal_a_sorted_list(seed: int, queries: int, items: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.integers(0, 4, (queries, items)).astype(np.float64)  # many ties
    right = random.random((queries, items)) < 0.3
    right[np.arange(queries), random.integers(0, items, queries)] = True
    expected = [slow_rank(s.tolist(), r.tolist()) for s, r in zip(scores, right, strict=True)]
    assert first_right_ranks(scores, right).tolist() == expected


def test_constant_scores_earn_nothing() -> None:
    scores, right = np.zeros((1, 10)), np.zeros((1, 10), dtype=bool)
    right[0, 0] = True
    assert first_right_ranks(scores, right).tolist() == [10.0]


def test_lists_rank_like_scores_and_miss_infinitely() -> None:
    ranks = first_right_ranks_of_lists([["b", "a"], ["c"], []], [{"a"}, {"c", "d"}, {"x"}])
    assert ranks.tolist() == [2.0, 1.0, np.inf]
    report = summarize(ranks, ks=(1, 2))
    assert report.recall == {1: pytest.approx(1 / 3), 2: pytest.approx(2 / 3)}
    assert report.median_rank == 2.0
    assert report.queries == 3


def test_five_captions_an_image() -> None:
    images, per_image = 6, 5
    random = np.random.default_rng(0)
    scores = random.normal(size=(images, images * per_image))
    owner = np.repeat(np.arange(images), per_image)
    text_to_image, image_to_text = caption_retrieval(scores, owner, ks=(1, 3))
    hits = [int((scores[:, c] > scores[owner[c], c]).sum()) for c in range(images * per_image)]
    assert text_to_image.queries == 30
    assert text_to_image.recall[3] == pytest.approx(np.mean([h < 3 for h in hits]))
    best = [
        min(sorted(-scores[i]).index(-scores[i, c]) for c in range(30) if owner[c] == i)
        for i in range(images)
    ]
    assert image_to_text.recall[1] == pytest.approx(np.mean([b < 1 for b in best]))
    assert image_to_text.queries == 6


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(ValueError, match="right answer"):
        first_right_ranks(np.zeros((1, 2)), np.zeros((1, 2), dtype=bool))
    with pytest.raises(ValueError, match="shape"):
        first_right_ranks(np.zeros((1, 2)), np.ones((2, 2), dtype=bool))
    with pytest.raises(ValueError, match="numbers"):
        first_right_ranks(np.full((1, 2), np.nan), np.ones((1, 2), dtype=bool))
    with pytest.raises(ValueError, match="no queries"):
        summarize(np.zeros(0))
