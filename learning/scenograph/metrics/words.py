"""How well scores rank what each of many words is said of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
Values = NDArray[np.float64]


def average_precisions(
    scores: FloatArray, targets: FloatArray, weights: FloatArray, *, least: int = 1
) -> tuple[Values, Values]:
    """Each word's average precision, and the share of rows that it is said of, which is what chance gives.

    A row counts for a word where its weight is above 0, and is one that the word is said of from a target of
    0.5. Tied rows rank in their order's worst case. NaN for words said fewer than `least` times, or always.
    Shapes: (n, W) each -> (W,), (W,).
    """
    found = np.full(scores.shape[1], np.nan)
    often = np.full(scores.shape[1], np.nan)
    for word in range(scores.shape[1]):
        known = weights[:, word] > 0
        said = targets[known, word] >= 0.5
        if least <= said.sum() < len(said):
            found[word], often[word] = _average_precision(scores[known, word], said), said.mean()
    return found, often


def best_threshold(scores: FloatArray, said: NDArray[np.bool_], *, beta: float = 1.0) -> float:
    """The score from which saying the word gives the best F-measure; `beta` weighs recall.

    Shapes: (n,), (n,). Infinite where the word is never said.  Source: van Rijsbergen 1979.
    """
    if not said.any():
        return float("inf")
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(said[order])
    measure = (1 + beta**2) * right / (np.arange(1, len(right) + 1) + beta**2 * said.sum())
    return float(scores[order][int(np.argmax(measure))])


def _average_precision(scores: FloatArray, said: NDArray[np.bool_]) -> float:
    order = np.lexsort((said, -scores))
    right = said[order]
    ranks = np.flatnonzero(right) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).mean())
