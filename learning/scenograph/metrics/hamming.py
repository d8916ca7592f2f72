"""Hamming distances between hash codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hamming_distances(queries: NDArray[np.bool_], database: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The number of bits in which each pair of codes differs.

    By one matrix product, exact for any length of code in use.  Shapes: (Q, bits), (N, bits) bool -> (Q, N).
    Errors: ValueError where the codes differ in length.
    """
    if queries.ndim != 2 or queries.shape[1:] != database.shape[1:]:
        raise ValueError(f"codes {queries.shape} and {database.shape} differ in length")
    first, second = (2.0 * codes.astype(np.float32) - 1.0 for codes in (queries, database))
    distances: NDArray[np.int32] = ((queries.shape[1] - first @ second.T) / 2).astype(np.int32)
    return distances
