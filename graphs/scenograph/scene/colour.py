"""Colour names of a part of an image.

The names are the eleven basic colour terms of English (Berlin and Kay 1969). A pixel gets the name of the
nearest of
several anchors in CIELAB (CIE 1976, D65 white, sRGB of IEC 61966-2-1); the anchors are typical sRGB values of
each
name. People say "grey" of few things that measure grey, and "white" of many that do not measure white: the
margins see
to that. Margins, the discount of the surroundings and the part of a person that counts were chosen by how
often the
first colour is the one that captions say of dogs and of clothes in 1000 photos (86 % and 48 %).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from scenograph.scene.graph import Attribute, Box

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

# fmt: off
ANCHORS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((0, 0, 0), (25, 25, 25), (35, 32, 30), (20, 22, 32)),
    "white": ((255, 255, 255), (240, 240, 240), (228, 230, 235), (245, 240, 230)),
    "grey": ((128, 128, 128), (90, 90, 92), (165, 165, 165), (190, 190, 190), (110, 112, 118), (70, 70, 72)),
    "red": ((255, 0, 0), (200, 20, 30), (150, 20, 25), (220, 50, 50), (110, 15, 20), (180, 60, 60)),
    "green": (
        (0, 128, 0), (60, 160, 60), (30, 90, 40), (120, 160, 60), (90, 120, 50), (50, 70, 30), (0, 200, 80),
        (150, 200, 90),
    ),
    "blue": (
        (0, 0, 255), (30, 60, 160), (60, 110, 200), (110, 160, 220), (20, 30, 80), (0, 120, 180),
        (80, 130, 170),
    ),
    "yellow": (
        (255, 255, 0), (240, 210, 40), (250, 230, 120), (210, 180, 30), (230, 190, 70), (200, 165, 30),
    ),
    "orange": ((255, 140, 0), (240, 110, 30), (225, 95, 20), (255, 165, 60)),
    "brown": (
        (120, 75, 40), (90, 55, 30), (150, 100, 60), (60, 40, 25), (165, 120, 80), (130, 95, 70),
        (185, 145, 100),
    ),
    "pink": ((255, 150, 190), (240, 100, 160), (250, 190, 205), (225, 60, 130)),
    "purple": ((128, 0, 128), (100, 50, 140), (150, 90, 180), (70, 30, 90)),
}
# fmt: on
MIN_SHARE = 0.34  # of the part's weight that a colour must have to be named
MIN_SECOND = 0.25
MARGINS = {"grey": 16.0, "black": 5.0, "white": -5.0}  # added to the distance, in CIELAB units
SURROUNDINGS = 0.7  # how much of what lies around a box is taken off what lies in it
_SIDE = 32  # the part is sampled on a grid of at most so many pixels a side
_SPREAD = 0.45  # of the weight around the middle, in half sides


@dataclass(frozen=True, slots=True)
class Look:
    """What tells a thing's colour: a part of its box (fractions), and how much vivid pixels outweigh dull."""

    part: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    vivid: float = 1.0


ANIMAL = Look(vivid=0.0)
CLOTHES = Look(part=(0.2, 0.15, 0.8, 0.55))
THING = Look()


def to_lab(rgb: NDArray[np.integer]) -> FloatArray:
    """CIELAB of sRGB in 0..255.  Shapes: (..., 3) -> (..., 3)."""
    flat = (np.asarray(rgb, dtype=np.float32) / 255).reshape(1, -1, 3)
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGB2Lab), dtype=np.float32).reshape(rgb.shape)


NAMES = tuple(ANCHORS)


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.uint8], FloatArray]:
    """For every colour of 5 bits a channel, taken at its middle: position in NAMES, and chroma.

    Shapes: -> (32, 32, 32) twice.
    """
    points = to_lab(np.array([value for values in ANCHORS.values() for value in values]))
    counts = [len(values) for values in ANCHORS.values()]
    owners = np.repeat(np.arange(len(NAMES), dtype=np.uint8), counts)
    margins = np.array([MARGINS.get(name, 0.0) for name in NAMES])
    steps = np.arange(32) * 8 + 4
    grid = to_lab(np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3))
    squares = (grid**2).sum(axis=1)[:, None] - 2 * grid @ points.T + (points**2).sum(axis=1)[None, :]
    distance = np.sqrt(np.clip(squares, 0.0, None)) + margins[owners]
    chroma = np.hypot(grid[:, 1], grid[:, 2])
    return owners[distance.argmin(axis=1)].reshape(32, 32, 32), chroma.reshape(32, 32, 32)


def name_pixels(rgb: ImageArray) -> NDArray[np.uint8]:
    """Position in NAMES of each pixel's colour.  Shapes: (..., 3) uint8 -> (...,)."""
    red, green, blue = (rgb[..., channel] >> 3 for channel in range(3))
    return np.asarray(_tables()[0][red, green, blue])


def exposure(image: ImageArray) -> float:
    """The factor that brings an image's light parts to near white, as an eye adapts to the light."""
    light = float(np.percentile(image[::4, ::4].max(axis=2), 97))
    return 245 / max(light, 80.0)


def colour_shares(image: ImageArray, box: Box, look: Look = THING, *, gain: float = 1.0) -> FloatArray:
    """How much of a thing has each colour: its middle counts most, what lies around it is taken off.

    Shapes: image (H, W, 3) uint8 RGB -> (11,) in the order of NAMES, summing to 1.
    """
    width, height = box.x1 - box.x0, box.y1 - box.y0
    x0, y0, x1, y1 = look.part
    part = Box(box.x0 + x0 * width, box.y0 + y0 * height, box.x0 + x1 * width, box.y0 + y1 * height)
    around = Box(
        max(0.0, box.x0 - 0.15 * width),
        max(0.0, box.y0 - 0.15 * height),
        min(1.0, box.x1 + 0.15 * width),
        min(1.0, box.y1 + 0.15 * height),
    )
    inner = _histogram(image, part, look.vivid, gain)
    outer = _histogram(image, around, look.vivid, gain, hole=box)
    shares = np.clip(inner - SURROUNDINGS * outer, 0.0, None)
    total = float(shares.sum())
    return np.asarray(shares / total if total > 0 else inner, dtype=np.float32)


def colour_attributes(
    image: ImageArray, box: Box, look: Look = THING, *, gain: float = 1.0
) -> tuple[Attribute, ...]:
    """The one or two colours that a thing is chiefly of, stronger first, scored by their shares.

    `gain` is the image's `exposure`.
    """
    shares = colour_shares(image, box, look, gain=gain)
    first, second = np.argsort(-shares, kind="stable")[:2].tolist()
    if shares[first] < MIN_SHARE:
        return ()
    found = [first] + ([second] if shares[second] >= MIN_SECOND else [])
    return tuple(Attribute(NAMES[place], round(float(shares[place]), 4)) for place in found)


def _histogram(
    image: ImageArray, box: Box, vivid: float, gain: float, *, hole: Box | None = None
) -> FloatArray:
    """Shares of the colours in a box, its middle weighing most; or, evenly, in what a hole leaves of it."""
    height, width = image.shape[:2]
    ys = _grid(box.y0, box.y1, height)
    xs = _grid(box.x0, box.x1, width)
    weight = np.outer(_bell(len(ys)), _bell(len(xs)))
    if hole is not None:
        inside_y = ((ys + 0.5) / height >= hole.y0) & ((ys + 0.5) / height <= hole.y1)
        inside_x = ((xs + 0.5) / width >= hole.x0) & ((xs + 0.5) / width <= hole.x1)
        weight = np.logical_not(np.outer(inside_y, inside_x)).astype(np.float32)
    pixels = np.clip(image[ys[:, None], xs[None, :]] * gain, 0, 255).astype(np.uint8) >> 3
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    names, chroma = _tables()
    weight = weight * (1 + vivid / 50 * chroma[red, green, blue])
    counts = np.bincount(names[red, green, blue].ravel(), weights=weight.ravel(), minlength=len(NAMES))
    total = counts.sum()
    return np.asarray(counts / total if total > 0 else counts, dtype=np.float32)


def _bell(size: int) -> FloatArray:
    return np.exp(-0.5 * (np.linspace(-1, 1, size) / _SPREAD) ** 2).astype(np.float32)


def _grid(low: float, high: float, size: int) -> NDArray[np.int64]:
    """Pixel positions that sample [low, high) of an axis, at least one."""
    first = min(size - 1, int(low * size))
    last = min(size, max(first + 1, round(high * size)))
    return np.unique(np.linspace(first, last - 1, min(_SIDE, last - first)).round().astype(np.int64))
