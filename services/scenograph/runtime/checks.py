"""Checks of batches that several services share."""

from __future__ import annotations

from collections.abc import Sized

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
