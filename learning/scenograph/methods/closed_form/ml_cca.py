"""ml-CCA: CCA whose correspondences come from multi-label similarity instead of pairs alone."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh, svd

from scenograph.components import solvers
from scenograph.data.contracts import FeatureSplit, LabelArray
from scenograph.methods.closed_form.views import bounded_dimension, views_of
from scenograph.methods.contracts import Trained
from scenograph.methods.kernel import Matrix


@solvers("ml_cca.v1")
def ml_cca(
    train: FeatureSplit,
    *,
    dimension: int,
    sigma: float = 1.0,
    shrinkage: float = 1e-3,
    standardise: bool = False,
) -> Trained:
    """CCA with covariances summed over all image-text pairs, each weighed by exp(-|Li - Lj|^2 / sigma).

    Items of equal label sets are summed first, so that no n x n matrix is made.
    Errors: InvalidInput (dimension > min(dx, dy)).
    Source: Ranjan, Rasiwasia & Jawahar, ICCV 2015.
    """
    views = views_of(train, standardise=standardise)
    bounded_dimension(dimension, min(views.x.shape[1], views.y.shape[1]), "ml-CCA")
    similarity, group = label_set_similarity(train.labels, sigma)
    sizes = np.bincount(group).astype(np.float64)
    total = float(sizes @ similarity @ sizes)
    weight = (similarity @ sizes)[group] / total
    # Weighted means, so that the sums below are covariances.
    x, y = views.x - weight @ views.x, views.y - weight @ views.y
    cross = _sums(x, group).T @ similarity @ _sums(y, group) / total
    x_root = _inverse_root((x * weight[:, None]).T @ x, shrinkage)
    y_root = _inverse_root((y * weight[:, None]).T @ y, shrinkage)
    u, _, vt = svd(x_root @ cross @ y_root)
    return Trained(views.projector(x_root @ u[:, :dimension], y_root @ vt[:dimension].T))


def label_set_similarity(labels: LabelArray, sigma: float) -> tuple[Matrix, np.ndarray]:
    """The similarity of each two distinct label sets, and each item's set.

    Shapes: labels (n, c) -> (u, u), (n,) of 0..u-1.
    """
    sets, group = np.unique(labels, axis=0, return_inverse=True)
    bits = sets.astype(np.float64)
    norms = bits.sum(axis=1)
    distance = norms[:, None] + norms[None, :] - 2 * bits @ bits.T
    return np.exp(-distance / sigma), group.ravel()


def _sums(rows: Matrix, group: np.ndarray) -> Matrix:
    sums = np.zeros((int(group.max()) + 1, rows.shape[1]))
    np.add.at(sums, group, rows)
    return sums


def _inverse_root(covariance: Matrix, shrinkage: float) -> Matrix:
    size = len(covariance)
    ridge = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / size * np.eye(size)
    values, vectors = eigh(ridge)
    root: Matrix = (vectors / np.sqrt(np.maximum(values, 1e-12 * values[-1]))) @ vectors.T
    return root
