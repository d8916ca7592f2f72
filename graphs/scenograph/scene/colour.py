"""Colour names of a part of an image.

The names are the eleven basic colour terms of English (Berlin and Kay 1969). A pixel gets the name of the
nearest of
several anchors in CIELAB (CIE 1976, D65 white, sRGB of IEC 61966-2-1); the anchors below are typical sRGB
values of each name.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from scenograph.scene.graph import Attribute, Box

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

ANCHORS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((0, 0, 0), (25, 25, 25), (35, 32, 30), (20, 22, 32)),
    "white": ((255, 255, 255), (240, 240, 240), (228, 230, 235), (245, 240, 230)),
    "grey": ((128, 128, 128), (90, 90, 92), (165, 165, 165), (190, 190, 190), (110, 112, 118), (70, 70, 72)),
    "red": ((255, 0, 0), (200, 20, 30), (150, 20, 25), (220, 50, 50), (110, 15, 20)),
    "green": (
        (0, 128, 0),
        (60, 160, 60),
        (30, 90, 40),
        (120, 160, 60),
        (90, 120, 50),
        (50, 70, 30),
        (0, 200, 80),
        (150, 200, 90),
    ),
    "blue": (
        (0, 0, 255),
        (30, 60, 160),
        (60, 110, 200),
        (110, 160, 220),
        (20, 30, 80),
        (0, 120, 180),
        (80, 130, 170),
    ),
    "yellow": ((255, 255, 0), (240, 210, 40), (250, 230, 120), (210, 180, 30)),
    "orange": ((255, 140, 0), (240, 110, 30), (225, 95, 20), (255, 165, 60)),
    "brown": (
        (120, 75, 40),
        (90, 55, 30),
        (150, 100, 60),
        (60, 40, 25),
        (165, 120, 80),
        (130, 95, 70),
        (185, 145, 100),
    ),
    "pink": ((255, 150, 190), (240, 100, 160), (250, 190, 205), (225, 60, 130)),
    "purple": ((128, 0, 128), (100, 50, 140), (150, 90, 180), (70, 30, 90)),
}
MIN_SHARE = 0.34  # of the part's weight that a colour must have to be named
MIN_SECOND = 0.25
_SIDE = 32  # the part is sampled on a grid of at most so many pixels a side


def to_lab(rgb: NDArray[np.integer]) -> FloatArray:
    """CIELAB of sRGB in 0..255.  Shapes: (..., 3) -> (..., 3)."""
    flat = (np.asarray(rgb, dtype=np.float32) / 255).reshape(1, -1, 3)
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGB2Lab), dtype=np.float32).reshape(rgb.shape)


NAMES = tuple(ANCHORS)


@lru_cache(maxsize=1)
def _table() -> NDArray[np.uint8]:
    """Position in NAMES of every colour of 5 bits a channel, taken at its middle.

    Shapes: -> (32, 32, 32).
    """
    points = to_lab(np.array([value for values in ANCHORS.values() for value in values]))
    owners = np.array(
        [place for place, values in enumerate(ANCHORS.values()) for _ in values], dtype=np.uint8
    )
    steps = np.arange(32) * 8 + 4
    grid = to_lab(np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3))
    squares = (grid**2).sum(axis=1)[:, None] - 2 * grid @ points.T + (points**2).sum(axis=1)[None, :]
    return np.asarray(owners[squares.argmin(axis=1)].reshape(32, 32, 32))


def name_pixels(rgb: ImageArray) -> NDArray[np.uint8]:
    """Position in NAMES of each pixel's colour.  Shapes: (..., 3) uint8 -> (...,)."""
    red, green, blue = (rgb[..., channel] >> 3 for channel in range(3))
    return np.asarray(_table()[red, green, blue])


def colour_shares(image: ImageArray, box: Box) -> FloatArray:
    """How much of a box's content has each colour: the middle counts most, and what surrounds the box is
    discounted.

    Shapes: image (H, W, 3) uint8 RGB -> (11,) in the order of NAMES, summing to 1.
    """
    inner = _histogram(image, box, middle=True)
    width, height = box.x1 - box.x0, box.y1 - box.y0
    outer = Box(
        max(0.0, box.x0 - 0.15 * width), max(0.0, box.y0 - 0.15 * height),
        min(1.0, box.x1 + 0.15 * width), min(1.0, box.y1 + 0.15 * height),
    )  # fmt: skip
    around = _histogram(image, outer, hole=box)
    shares = np.clip(inner - 0.4 * around, 0.0, None)
    total = float(shares.sum())
    return np.asarray(shares / total if total > 0 else inner, dtype=np.float32)


def colour_attributes(image: ImageArray, box: Box) -> tuple[Attribute, ...]:
    """The one or two colours that a box's content is chiefly of, stronger first, scored by their shares."""
    shares = colour_shares(image, box)
    first, second = np.argsort(-shares, kind="stable")[:2].tolist()
    if shares[first] < MIN_SHARE:
        return ()
    found = [first] + ([second] if shares[second] >= MIN_SECOND else [])
    return tuple(Attribute(NAMES[place], round(float(shares[place]), 4)) for place in found)


def _histogram(image: ImageArray, box: Box, *, middle: bool = False, hole: Box | None = None) -> FloatArray:
    """Weighted shares of the colours in a box; zeros where nothing of it is left."""
    height, width = image.shape[:2]
    ys = _grid(box.y0, box.y1, height)
    xs = _grid(box.x0, box.x1, width)
    if middle:
        down = np.exp(-0.5 * (np.linspace(-1, 1, len(ys)) / 0.45) ** 2)
        along = np.exp(-0.5 * (np.linspace(-1, 1, len(xs)) / 0.45) ** 2)
        weight = down[:, None] * along[None, :]
    else:
        weight = np.ones((len(ys), len(xs)))
    if hole is not None:
        inside_y = ((ys + 0.5) / height >= hole.y0) & ((ys + 0.5) / height <= hole.y1)
        inside_x = ((xs + 0.5) / width >= hole.x0) & ((xs + 0.5) / width <= hole.x1)
        weight = weight * ~(inside_y[:, None] & inside_x[None, :])
    names = name_pixels(image[ys[:, None], xs[None, :]].reshape(-1, 3))
    counts = np.bincount(names, weights=weight.ravel(), minlength=len(NAMES))
    total = counts.sum()
    return np.asarray(counts / total if total > 0 else counts, dtype=np.float32)


def _grid(low: float, high: float, size: int) -> NDArray[np.int64]:
    """Pixel positions that sample [low, high) of an axis, at least one."""
    first = min(size - 1, int(low * size))
    last = min(size, max(first + 1, round(high * size)))
    return np.unique(np.linspace(first, last - 1, min(_SIDE, last - first)).round().astype(np.int64))
