"""CMSSH: cross-modal similarity-sensitive hashing, one boosted weak learner a bit."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import svds

from scenograph.components import solvers
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.closed_form.views import views_of
from scenograph.methods.contracts import Trained
from scenograph.methods.kernel import Matrix

LARGEST_EDGE = 0.999


@solvers("cmssh.v1")
def cmssh(
    train: FeatureSplit, *, bits: int, seed: int, sample: int = 2000, standardise: bool = False
) -> Trained:
    """Each bit is the pair of directions that the weighted cross-covariance of similar minus dissimilar pairs
    has first; then AdaBoost raises the weight of the pairs that the bit got wrong.

    Pairs are all (image i, text j) among `sample` random items; similar where they share a label.
    Source: Bronstein, Bronstein, Michel & Paragios, CVPR 2010 (thresholds at the means).
    """
    views = views_of(train, standardise=standardise)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(views.x))[:sample])
    x, y = views.x[chosen], views.y[chosen]
    labels = train.labels[chosen].astype(np.float64)
    similar = labels @ labels.T > 0
    # Similar and dissimilar pairs begin with half of the weight each.
    counts = similar.sum(), (~similar).sum()
    signed = np.where(similar, 0.5 / max(counts[0], 1), -0.5 / max(counts[1], 1))
    wx, wy = np.empty((x.shape[1], bits)), np.empty((y.shape[1], bits))
    for bit in range(bits):
        wx[:, bit], wy[:, bit] = _leading_pair(x.T @ signed @ y, rng)
        hx, hy = x @ wx[:, bit] > 0, y @ wy[:, bit] > 0
        edge = np.where(hx, 1.0, -1.0) @ signed @ np.where(hy, 1.0, -1.0)
        strength = np.arctanh(np.clip(edge, -LARGEST_EDGE, LARGEST_EDGE))
        right = (hx[:, None] == hy[None, :]) == similar
        signed *= np.where(right, np.exp(-strength), np.exp(strength))
        signed /= np.abs(signed).sum()
    return Trained(views.projector(wx, wy))


def _leading_pair(cross: Matrix, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    if min(cross.shape) < 2:
        u, _, vt = np.linalg.svd(cross, full_matrices=False)
    else:
        u, _, vt = svds(cross, k=1, v0=rng.standard_normal(min(cross.shape)))
    return u[:, 0], vt[0]
