"""Real photographs for the checks: those that scikit-image's wheel itself carries."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from scenograph.packs.build.sources import PHOTOS
from scenograph.prep import decode_image

ImageArray = npt.NDArray[np.uint8]

NAMES = (
    "astronaut.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "motorcycle_left.png",
    "rocket.jpg",
)
# The photographs whose model inputs a pack keeps for its self-check (both are in the public domain).
GOLDEN = ("chelsea.png", "coffee.png")


@cache
def photo(name: str) -> ImageArray:
    """One photograph.  Shapes: -> (H, W, 3) uint8 RGB."""
    return decode_image((PHOTOS.folder() / "data" / name).read_bytes())


def photos() -> list[ImageArray]:
    """All photographs of the checks."""
    return [photo(name) for name in NAMES]
