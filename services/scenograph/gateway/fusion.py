"""The final score: a weighted mean of Hamming similarity, cosine and graph agreement.

score = (w_coarse * coarse + w_cosine * cosine + w_graph * graph) / (w_coarse + w_cosine + w_graph). Shapes:
coarse, cosine, graph (K,) -> (K,) float64.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scenograph.gateway.requests import FusionWeights

Scores: TypeAlias = NDArray[np.float64]


def without_graph(weights: FusionWeights) -> FusionWeights:
    """The weights where no graph was seen; cosine alone where only the graph had any."""
    if weights.coarse + weights.cosine > 0:
        return FusionWeights(weights.coarse, weights.cosine, 0.0)
    return FusionWeights(0.0, 1.0, 0.0)


def fuse(weights: FusionWeights, coarse: Scores, cosine: Scores, graph: Scores) -> Scores:
    """The scores, elementwise."""
    total = weights.coarse + weights.cosine + weights.graph
    mixed: Scores = weights.coarse * coarse + weights.cosine * cosine + weights.graph * graph
    return mixed / total
