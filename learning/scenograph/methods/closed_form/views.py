"""Two paired views of the training items, centred, and the way back to a projector on raw features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenograph.data.contracts import FeatureSplit
from scenograph.methods.kernel import Matrix
from scenograph.methods.projector import LinearProjector, linear_map
from scenograph.scene.errors import InvalidInput


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Shapes: x (n, dx), y (n, dy): centred, divided by `x_scale` (dx,) and `y_scale` (dy,)."""

    x: Matrix
    y: Matrix
    x_mean: Matrix
    y_mean: Matrix
    x_scale: Matrix
    y_scale: Matrix

    def projector(self, wx: Matrix, wy: Matrix) -> LinearProjector:
        """From weights on the centred and scaled views to a projector of raw features."""
        return LinearProjector(
            linear_map(self.x_mean, wx / self.x_scale[:, None]),
            linear_map(self.y_mean, wy / self.y_scale[:, None]),
        )


def views_of(train: FeatureSplit, *, standardise: bool = False) -> Views:
    """Centre both views; `standardise` divides each feature by its deviation over the training items.

    Errors: InvalidInput (fewer than two pairs).
    """
    if len(train.image) < 2:
        raise InvalidInput("training needs at least two pairs")
    parts = []
    for raw in (train.image, train.text):
        features = raw.astype(np.float64)
        mean = features.mean(axis=0)
        deviation = features.std(axis=0)
        scale = np.where(deviation > 0, deviation, 1.0) if standardise else np.ones_like(mean)
        parts.append(((features - mean) / scale, mean, scale))
    (x, x_mean, x_scale), (y, y_mean, y_scale) = parts
    return Views(x, y, x_mean, y_mean, x_scale, y_scale)


def bounded_dimension(dimension: int, limit: int, method: str) -> int:
    """`dimension` where the method can give so many; InvalidInput, naming the limit, where it cannot."""
    if not 1 <= dimension <= limit:
        raise InvalidInput(f"{method} gives 1 to {limit} dimensions here, not {dimension}", field="dimension")
    return dimension


def lifting_rotation(components: int, bits: int, seed: int) -> Matrix:
    """A random matrix with orthonormal rows (columns, where bits < components): components spread to bits.

    Shape: (components, bits).
    """
    rng = np.random.default_rng(seed)
    size = max(components, bits)
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    rotation: Matrix = (q * np.sign(np.diag(r)))[:components, :bits]
    return rotation
