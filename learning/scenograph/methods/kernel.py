"""Kernel maps: the similarity of a feature vector to a fixed set of landmarks (anchors)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from sklearn.metrics.pairwise import additive_chi2_kernel, chi2_kernel, euclidean_distances, rbf_kernel

from scenograph.scene.errors import InvalidInput

Matrix = NDArray[np.float64]
KernelKind = Literal["rbf", "chi2"]
LandmarkChoice = Literal["random", "kmeans"]


@dataclass(frozen=True, slots=True, eq=False)
class KernelMap:
    """phi(x) = (k(x, a_1), ..., k(x, a_m)).

    `rbf`: k = exp(-gamma |x - a|^2).  `chi2`: k = exp(-gamma sum (x - a)^2 / (x + a)), for histograms.
    Shapes: landmarks (m, d); (n, d) -> (n, m).
    """

    kind: KernelKind
    landmarks: Matrix
    gamma: float

    def __call__(self, features: Matrix) -> Matrix:
        kernel = rbf_kernel if self.kind == "rbf" else chi2_kernel
        values: Matrix = kernel(features, self.landmarks, gamma=self.gamma)
        return values


def fit_kernel_map(
    features: Matrix,
    *,
    kind: KernelKind,
    landmarks: int,
    seed: int,
    choice: LandmarkChoice = "random",
    width: float = 1.0,
) -> KernelMap:
    """Landmarks among the training items (or their k-means centres), gamma = width / mean distance.

    The distance is the squared one for `rbf` and the chi-squared one for `chi2`, over items and landmarks, so
    that `width = 1` puts the mean similarity near exp(-1).
    Errors: InvalidInput (negative features for `chi2`).
    """
    if kind == "chi2" and features.min() < 0:
        raise InvalidInput("the chi2 kernel needs histograms: features of at least 0", field="kernel")
    rng = np.random.default_rng(seed)
    count = min(landmarks, len(features))
    if choice == "kmeans":
        points, _ = kmeans2(features, count, minit="++", rng=rng)
    else:
        points = features[np.sort(rng.choice(len(features), count, replace=False))]
    sample = features[rng.choice(len(features), min(2000, len(features)), replace=False)]
    if kind == "rbf":
        distances = euclidean_distances(sample, points, squared=True)
    else:
        distances = -additive_chi2_kernel(sample, points)
    return KernelMap(kind, np.ascontiguousarray(points), width / max(float(distances.mean()), 1e-12))
