"""Cross-modal retrieval: recall at k and median rank, in both directions, with several captions an image.

Ranks start at 1. Ties are broken against the query: a right answer comes after every wrong one of the same
score, so that constant scores earn nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KS = (1, 5, 10)

Scores = NDArray[np.floating]
Ranks = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """One direction: `recall[k]` is the fraction of queries whose first right answer is within the best k."""

    queries: int
    recall: dict[int, float]
    median_rank: float


def first_right_ranks(scores: Scores, right: Mask) -> Ranks:
    """The rank of each query's best right answer.

    Shapes: scores (Q, N), right (Q, N) -> (Q,).  Errors: ValueError where a query has no right answer, shapes
    differ, or a score is not a number.
    """
    if scores.shape != right.shape:
        raise ValueError(f"scores {scores.shape} and right answers {right.shape} differ in shape")
    if not right.any(axis=1).all():
        raise ValueError("every query needs a right answer")
    if np.isnan(scores).any():
        raise ValueError("scores must be numbers")
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    before: Ranks = ((scores >= best) & ~right).sum(axis=1, dtype=np.float64)
    return 1.0 + before


def first_right_ranks_of_lists(
    ranked: Sequence[Sequence[Hashable]], right: Sequence[Collection[Hashable]]
) -> Ranks:
    """The same from ranked lists of ids, best first; infinite where a list holds no right answer.

    Shapes: Q lists, Q sets -> (Q,).
    """
    ranks = np.full(len(ranked), np.inf)
    for query, (found, wanted) in enumerate(zip(ranked, right, strict=True)):
        for place, item in enumerate(found, start=1):
            if item in wanted:
                ranks[query] = place
                break
    return ranks


def summarize(ranks: Ranks, ks: Sequence[int] = KS) -> Retrieval:
    """Recall at each k and the median rank.  Shapes: ranks (Q,).  Errors: ValueError without queries."""
    if not len(ranks):
        raise ValueError("no queries")
    return Retrieval(
        queries=len(ranks),
        recall={k: float((ranks <= k).mean()) for k in ks},
        median_rank=float(np.median(ranks)),
    )


def caption_retrieval(
    scores: Scores, image_of_caption: NDArray[np.integer], ks: Sequence[int] = KS
) -> tuple[Retrieval, Retrieval]:
    """Text-to-image (every caption is a query) and image-to-text (any caption of the image is right).

    Shapes: scores (images, captions), image_of_caption (captions,) -> text-to-image, image-to-text.
    Source: the protocol of Hodosh, Young and Hockenmaier 2013 for Flickr8k (five captions an image).
    """
    own = np.arange(scores.shape[0])[:, None] == image_of_caption[None, :]
    return (
        summarize(first_right_ranks(scores.T, own.T), ks),
        summarize(first_right_ranks(scores, own), ks),
    )
