"""BLM: the bilinear model of style (modality) and content (pair)."""

from __future__ import annotations

import numpy as np
from scipy.linalg import svd

from scenograph.components import solvers
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.closed_form.views import bounded_dimension, views_of
from scenograph.methods.contracts import Trained


@solvers("blm.v1")
def blm(train: FeatureSplit, *, dimension: int, standardise: bool = True) -> Trained:
    """Asymmetric bilinear model: item = (modality's matrix) times (content vector), by the SVD of both views
    side by side; a new item's content is its least-squares solution under its modality's matrix.

    Errors: InvalidInput (dimension > min(dx, dy)).
    Source: Tenenbaum & Freeman, Neural Computation 2000
    """
    views = views_of(train, standardise=standardise)
    limit = min(views.x.shape[1], views.y.shape[1])
    bounded_dimension(dimension, limit, "BLM")
    _, strength, directions = svd(np.hstack([views.x, views.y]), full_matrices=False)
    basis = directions[:dimension].T * strength[:dimension]
    dx = views.x.shape[1]
    return Trained(views.projector(np.linalg.pinv(basis[:dx]).T, np.linalg.pinv(basis[dx:]).T))
