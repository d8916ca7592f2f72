"""SCM-seq and SCM-orth: semantic correlation maximisation, hash functions from labels."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh, svd

from scenograph.components import solvers
from scenograph.data.contracts import FeatureSplit, LabelArray
from scenograph.methods.closed_form.views import bounded_dimension, views_of
from scenograph.methods.contracts import Trained
from scenograph.methods.kernel import Matrix

_WEAKEST = 1e-6
"""A canonical direction with a smaller share of the strongest one's squared correlation is rounding."""


@solvers("scm_seq.v1")
def scm_seq(train: FeatureSplit, *, bits: int, ridge: float = 1e-6, standardise: bool = False) -> Trained:
    """Bits one after the other, each the top eigenvector of what the bits before have left of S.

    S = 2 L L' - 1 with rows of L of unit length; bit k takes X'R_k Y, R_1 = bits S, R_{k+1} = R_k - h_x h_y'.
    A bit whose eigenvalue is above that of the bit before no longer lowers the objective: it and the bits
    after it are canonical directions of X'Y, as in the authors' code. There are no more of these than the
    rank of X'Y, so before that many bits are left the sequence goes on.
    Shapes: no n x n matrix is made.
    Source: Zhang & Li, AAAI 2014, algorithm 1, and their code.
    """
    views = views_of(train, standardise=standardise)
    x, y = views.x, views.y
    x_gram, y_gram = _gram(x, ridge), _gram(y, ridge)
    y_factor = cho_factor(y_gram)
    correlation, x_canonical, y_canonical = _pairs(x.T @ y, x_gram, y_factor, min(x.shape[1], y.shape[1]))
    canonical = int((correlation > _WEAKEST * correlation[0]).sum())
    left = bits * semantic_cross(x, y, train.labels)
    wx, wy = np.empty((x.shape[1], bits)), np.empty((y.shape[1], bits))
    before = np.inf
    for bit in range(bits):
        (value,), wx[:, [bit]], wy[:, [bit]] = _pairs(left, x_gram, y_factor, 1)
        if value > before and bits - bit <= canonical:
            wx[:, bit:], wy[:, bit:] = x_canonical[:, : bits - bit], y_canonical[:, : bits - bit]
            break
        before = value
        left = left - np.outer(x.T @ _sign(x @ wx[:, bit]), y.T @ _sign(y @ wy[:, bit]))
    return Trained(views.projector(wx, wy))


@solvers("scm_orth.v1")
def scm_orth(train: FeatureSplit, *, bits: int, ridge: float = 1e-6, standardise: bool = False) -> Trained:
    """All bits at once, under W'X'XW = I in both views: the canonical directions of X'SY.

    Errors: InvalidInput (bits > min(dx, dy): the constraint allows no more).
    Source: Zhang & Li, AAAI 2014 (SCM-orth).
    """
    views = views_of(train, standardise=standardise)
    x, y = views.x, views.y
    bounded_dimension(bits, min(x.shape[1], y.shape[1]), "SCM-orth")
    x_root, y_root = _inverse_root(_gram(x, ridge)), _inverse_root(_gram(y, ridge))
    u, _, vt = svd(x_root @ semantic_cross(x, y, train.labels) @ y_root)
    return Trained(views.projector(x_root @ u[:, :bits], y_root @ vt[:bits].T))


def semantic_cross(x: Matrix, y: Matrix, labels: LabelArray) -> Matrix:
    """X'SY with S = 2 L L' - 1, rows of L of unit length. Shapes: (n, dx), (n, dy), (n, c) -> (dx, dy)."""
    bits = labels.astype(np.float64)
    unit = bits / np.maximum(np.linalg.norm(bits, axis=1, keepdims=True), 1e-12)
    cross: Matrix = 2 * (x.T @ unit) @ (unit.T @ y) - np.outer(x.sum(axis=0), y.sum(axis=0))
    return cross


def _pairs(
    cross: Matrix, x_gram: Matrix, y_factor: tuple[Matrix, bool], count: int
) -> tuple[Matrix, Matrix, Matrix]:
    """The leading pairs of C Gy^-1 C' w = lambda^2 Gx w: the falling lambda^2, then columns wx and wy."""
    y_side = cho_solve(y_factor, cross.T)
    size = len(x_gram)
    values, vectors = eigh(cross @ y_side, x_gram, subset_by_index=(size - count, size - 1))
    values, wx = values[::-1], vectors[:, ::-1]
    wy: Matrix = y_side @ wx / np.sqrt(np.maximum(values, 1e-30))
    return values, wx, wy


def _gram(view: Matrix, ridge: float) -> Matrix:
    gram: Matrix = view.T @ view
    gram[np.diag_indices_from(gram)] += ridge
    return gram


def _inverse_root(gram: Matrix) -> Matrix:
    values, vectors = eigh(gram)
    root: Matrix = (vectors / np.sqrt(values)) @ vectors.T
    return root


def _sign(values: Matrix) -> Matrix:
    return np.where(values > 0, 1.0, -1.0)
