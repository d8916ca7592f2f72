"""Which items are right answers: those that share a class with the query."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def share_a_label(queries: Mask, database: Mask) -> Mask:
    """Whether query and item have at least one class in common, the relevance of cross-modal benchmarks.

    Shapes: (Q, classes), (N, classes) -> (Q, N).  Errors: ValueError where the classes differ in number.
    """
    if queries.shape[1:] != database.shape[1:] or queries.ndim != 2:
        raise ValueError(f"labels {queries.shape} and {database.shape} are not of the same classes")
    shared: Mask = queries.astype(np.float32) @ database.T.astype(np.float32) > 0
    return shared
