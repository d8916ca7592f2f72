"""ACQ: alternating co-quantisation, one binary quantiser for two views of the same items."""

from __future__ import annotations

import numpy as np
from cca_zoo.linear import RidgeCCA
from scipy.linalg import svd

from scenograph.components import solvers
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.closed_form.views import lifting_rotation, views_of
from scenograph.methods.contracts import Trained
from scenograph.methods.kernel import Matrix


@solvers("acq.v1")
def acq(
    train: FeatureSplit,
    *,
    bits: int,
    seed: int,
    iterations: int = 50,
    shrinkage: float = 1e-3,
    standardise: bool = False,
) -> Trained:
    """CCA's components of both views, rotated until they fall into the same orthants: the learned code of a
    pair is the sign of the sum of both rotated views.

    Source: Irie, Arai & Taniguchi, ICCV 2015, after Gong & Lazebnik's ITQ, CVPR 2011.
    """
    views = views_of(train, standardise=standardise)
    components = min(views.x.shape[1], views.y.shape[1], bits)
    wx, wy = RidgeCCA(components, center=False, shrinkage=shrinkage).fit([views.x, views.y]).weights_
    rx, ry, codes, _ = co_quantise(views.x @ wx, views.y @ wy, bits=bits, seed=seed, iterations=iterations)
    unified = codes > 0
    return Trained(views.projector(wx @ rx, wy @ ry), unified, unified)


def co_quantise(
    zx: Matrix, zy: Matrix, *, bits: int, seed: int, iterations: int
) -> tuple[Matrix, Matrix, Matrix, list[float]]:
    """min |B - Zx Rx|^2 + |B - Zy Ry|^2 over signs B and matrices R with orthonormal rows, alternating.

    Shapes: zx, zy (n, k), k <= bits -> Rx, Ry (k, bits), B (n, bits) of -1 and 1, and the objective a step.
    """
    rx = lifting_rotation(zx.shape[1], bits, seed)
    ry = rx
    trace = []
    for _ in range(iterations):
        codes = np.where(zx @ rx + zy @ ry > 0, 1.0, -1.0)
        rx, ry = _procrustes(zx, codes), _procrustes(zy, codes)
        trace.append(float(((codes - zx @ rx) ** 2).sum() + ((codes - zy @ ry) ** 2).sum()))
    return rx, ry, np.where(zx @ rx + zy @ ry > 0, 1.0, -1.0), trace


def _procrustes(z: Matrix, codes: Matrix) -> Matrix:
    u, _, vt = svd(z.T @ codes, full_matrices=False)
    rotation: Matrix = u @ vt
    return rotation
