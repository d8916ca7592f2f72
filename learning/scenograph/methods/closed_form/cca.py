"""Linear subspaces of paired views: CCA, PLS and CFA."""

from __future__ import annotations

from cca_zoo.linear import PLS, RidgeCCA
from sklearn.cross_decomposition import PLSCanonical

from scenograph.components import solvers
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.closed_form.views import bounded_dimension, views_of
from scenograph.methods.contracts import Trained


@solvers("cca.v1")
def cca(
    train: FeatureSplit,
    *,
    dimension: int,
    image_shrinkage: float = 0.0,
    text_shrinkage: float = 0.0,
    standardise: bool = False,
) -> Trained:
    """Canonical correlation analysis: pairs of directions of maximal correlation.

    The shrinkages, in [0, 1], move each view's covariance towards the identity.
    Errors: InvalidInput (dimension > min(dx, dy)).
    Source: Hotelling 1936; the canonical ridge, Vinod 1976; for retrieval Rasiwasia et al. 2010 (CM).
    """
    views = views_of(train, standardise=standardise)
    bounded_dimension(dimension, min(views.x.shape[1], views.y.shape[1]), "CCA")
    model = RidgeCCA(dimension, center=False, shrinkage=[image_shrinkage, text_shrinkage])
    wx, wy = model.fit([views.x, views.y]).weights_
    return Trained(views.projector(wx, wy))


@solvers("pls.v1")
def pls(train: FeatureSplit, *, dimension: int, standardise: bool = False) -> Trained:
    """Partial least squares (mode A): pairs of directions of maximal covariance, each pair found after the
    scores of those before are taken out of both views.

    Errors: InvalidInput (dimension > min(dx, dy)).
    Source: Sharma & Jacobs, CVPR 2011; Wegelin 2000 (PLS-W2A).
    """
    views = views_of(train, standardise=standardise)
    bounded_dimension(dimension, min(views.x.shape[1], views.y.shape[1]), "PLS")
    model = PLSCanonical(dimension, scale=False, algorithm="svd").fit(views.x, views.y)
    return Trained(views.projector(model.x_rotations_, model.y_rotations_))


@solvers("cfa.v1")
def cfa(train: FeatureSplit, *, dimension: int, standardise: bool = False) -> Trained:
    """Cross-modal factor analysis: min |X A - Y B|^2 with A'A = B'B = I, by the SVD of X'Y.

    Errors: InvalidInput (dimension > min(dx, dy)).
    Source: Li, Dimitrova, Li & Sethi, ACM MM 2003.
    """
    views = views_of(train, standardise=standardise)
    bounded_dimension(dimension, min(views.x.shape[1], views.y.shape[1]), "CFA")
    wx, wy = PLS(dimension, center=False).fit([views.x, views.y]).weights_
    return Trained(views.projector(wx, wy))
