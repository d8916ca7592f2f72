"""Named views of a photograph: as it is, mirrored, or a random part of it, the same one in every run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.errors import InvalidInput

Pixels = NDArray[np.uint8]
AREA = (0.55, 0.95)
LOG_ASPECT = 0.2


@dataclass(frozen=True, slots=True)
class View:
    """`make(pixels, row)` gives the view of an RGB photograph (h, w, 3); `row` is its place in the photo set.

    The name says all that it depends on besides: it is part of the cache's key.
    """

    name: str
    make: Callable[[Pixels, int], Pixels]


def _same(pixels: Pixels, row: int) -> Pixels:
    return pixels


def _mirror(pixels: Pixels, row: int) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1])


def _crop(seed: int, pixels: Pixels, row: int) -> Pixels:
    """55 to 95 % of the area, sides stretched by up to e^0.1 each; mirrored where the seed is odd."""
    random = np.random.default_rng([seed, row])
    height, width = pixels.shape[:2]
    area, aspect = random.uniform(*AREA), math.exp(random.uniform(-LOG_ASPECT, LOG_ASPECT))
    high = max(1, min(height, int(height * math.sqrt(area / aspect))))
    wide = max(1, min(width, int(width * math.sqrt(area * aspect))))
    top, left = random.integers(0, height - high + 1), random.integers(0, width - wide + 1)
    part = pixels[top : top + high, left : left + wide]
    return np.ascontiguousarray(part[:, ::-1] if seed % 2 else part)


ORIGINAL = View("original", _same)
FLIP = View("flip", _mirror)


def random_crop(seed: int) -> View:
    """A random part of each photograph: 55 to 95 % of its area, mirrored where the seed is odd."""
    return View(f"crop-{seed}", partial(_crop, seed))


def view(name: str) -> View:
    """A view by its name: "original", "flip", "crop-SEED". Errors: InvalidInput."""
    kind, _, seed = name.partition("-")
    if name == ORIGINAL.name:
        return ORIGINAL
    if name == FLIP.name:
        return FLIP
    if kind == "crop" and seed.isdecimal():
        return random_crop(int(seed))
    raise InvalidInput(f"no view {name!r}; there are: original, flip, crop-SEED", field="view")
