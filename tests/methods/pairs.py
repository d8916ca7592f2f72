"""Small paired features of a few classes, for solvers."""

from __future__ import annotations

import numpy as np

from scenograph.data.contracts import FeatureSplit


def pairs(
    n: int = 90, *, image: int = 7, text: int = 5, classes: int = 3, multi: bool = False, seed: int = 0
) -> FeatureSplit:
    """Both modalities see the class and a shared hidden vector, each through a map of its own, and noise."""
    rng = np.random.default_rng(seed)
    labels = np.eye(classes, dtype=bool)[rng.integers(0, classes, n)]
    labels[:classes] = np.eye(classes, dtype=bool)
    if multi:
        labels |= rng.random((n, classes)) < 0.3
    hidden = np.hstack([2.0 * labels, rng.standard_normal((n, 2))])
    views = [
        hidden @ rng.standard_normal((hidden.shape[1], width)) + 0.5 * rng.standard_normal((n, width)) + 1.0
        for width in (image, text)
    ]
    return FeatureSplit(
        tuple(f"pair-{row}" for row in range(n)),
        views[0].astype(np.float32),
        views[1].astype(np.float32),
        labels,
    )


def histograms(n: int = 60, *, image: int = 7, text: int = 5, seed: int = 0) -> FeatureSplit:
    """The same as rows of positive numbers that sum to one."""
    split = pairs(n, image=image, text=text, seed=seed)
    x, y = (
        np.exp(0.5 * view) / np.exp(0.5 * view).sum(axis=1, keepdims=True)
        for view in (split.image, split.text)
    )
    return FeatureSplit(split.ids, x, y, split.labels)
