"""Checks of batches that several services share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sized

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.errors import InvalidInput


def check_count(batch: Sized, most: int, field: str) -> None:
    """Refuse a batch that is empty or larger than `most`.  Errors: InvalidInput."""
    if not 1 <= len(batch) <= most:
        raise InvalidInput(f"takes 1 to {most}, {len(batch)} given", field=field)


def check_vector(vector: NDArray[np.float32], size: int, field: str) -> None:
    """Refuse a vector of another size than (size,), or with values that are not finite.

    Errors: InvalidInput.
    """
    if vector.shape != (size,):
        raise InvalidInput(f"takes {size} values, not {'x'.join(map(str, vector.shape))}", field=field)
    if not np.isfinite(vector).all():
        raise InvalidInput("has values that are not finite", field=field)


def check_weights(weights: Mapping[str, float], field: str) -> None:
    """Refuse a weight that is negative or no number, and weights that are all 0.  Errors: InvalidInput."""
    for name, value in weights.items():
        if not math.isfinite(value) or value < 0:
            raise InvalidInput(f"a weight is a number of at least 0, not {value}", field=f"{field}.{name}")
    if not any(weights.values()):
        raise InvalidInput("the weights are all 0", field=field)
