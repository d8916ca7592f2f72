"""CVH: cross-view hashing by relaxed spectral hashing of paired views."""

from __future__ import annotations

from cca_zoo.linear import RidgeCCA

from scenograph.components import solvers
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.closed_form.views import lifting_rotation, views_of
from scenograph.methods.contracts import Trained


@solvers("cvh.v1")
def cvh(
    train: FeatureSplit, *, bits: int, seed: int, shrinkage: float = 1e-3, standardise: bool = False
) -> Trained:
    """For paired items the relaxed problem is CCA: bits are the signs of its components, randomly rotated.

    CCA has no more than min(dx, dy) components. Where these are fewer than `bits`, a matrix with orthonormal
    rows puts every component into every bit; the paper takes the next eigenvectors, which are noise there.
    Source: Kumar & Udupa, IJCAI 2011; the rotation, Gong & Lazebnik, CVPR 2011 (CCA-RR).
    """
    views = views_of(train, standardise=standardise)
    components = min(views.x.shape[1], views.y.shape[1], bits)
    model = RidgeCCA(components, center=False, shrinkage=shrinkage).fit([views.x, views.y])
    wx, wy = model.weights_
    rotation = lifting_rotation(wx.shape[1], bits, seed)
    return Trained(views.projector(wx @ rotation, wy @ rotation))
