"""Fits the last step from scores to probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Numbers = NDArray[np.floating]
STEPS = 25
PRIOR = 4.0
"""How strongly the slope is held at 1, in examples' worth."""


def fit_calibration(scores: Numbers, targets: Numbers, weights: Numbers) -> FloatArray:
    """Slope and offset of each word by weighted logistic regression; a word that is nowhere known stays as it
    is.

    Shapes: scores, targets in [0, 1], weights (n, W) -> (2, W).
    Source: Platt 1999; Newton's method, with a Gaussian prior on the slope.
    """
    fitted = np.stack([np.ones(scores.shape[1]), np.zeros(scores.shape[1])])
    for word in range(scores.shape[1]):
        known = weights[:, word] > 0
        x, y, w = scores[known, word], targets[known, word], weights[known, word]
        if 0 < (w * y).sum() < w.sum():
            fitted[:, word] = _platt(x, y, w)
    return fitted


def _platt(x: Numbers, y: Numbers, w: Numbers) -> FloatArray:
    design = np.stack([x, np.ones_like(x)], axis=1)
    at = np.array([1.0, 0.0])
    best = _cost(at, design, y, w)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-design @ at))
        slope = design.T @ (w * (chance - y)) + PRIOR * np.array([at[0] - 1, 0.0])
        curve = (design * (w * chance * (1 - chance))[:, None]).T @ design + np.diag([PRIOR, 1e-6])
        step = np.linalg.solve(curve, slope)
        for _ in range(20):
            cost = _cost(at - step, design, y, w)
            if cost <= best:
                break
            step = step / 2
        if cost > best or best - cost < 1e-9 * max(1.0, best):
            break
        at, best = at - step, cost
    return at


def _cost(at: FloatArray, design: FloatArray, y: Numbers, w: Numbers) -> float:
    score = design @ at
    loss = np.logaddexp(0.0, score) - y * score
    return float((w * loss).sum() + PRIOR * (at[0] - 1) ** 2 / 2)
