"""What an image is set in where no class of the models names it: water, snow, grass, rock.

Classes that belong to a setting speak for it (a canoe, a bathing cap or a pelican for water), and so does the
colour of
the ground. A setting's probability is logistic in the log odds of that evidence; slopes and offsets were
fitted on
whether the captions of 1000 photos name the setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from scenograph.scene.colour import to_lab
from scenograph.scene.graph import Box
from scenograph.scene.visual_regions import Region, largest_part
from scenograph.scene.visual_taxonomy import Taxonomy

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]
Mask = NDArray[np.bool_]

MIN_PROBABILITY = 0.35
_SIDE = 32  # the image is looked at in so many squares a side
_GROUND = 18  # the first row of squares that counts as ground


def _green(lab: FloatArray) -> Mask:
    """Yellowish to bluish green of middle lightness."""
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    light = lab[..., 0]
    return np.asarray((hue > 95) & (hue < 150) & (chroma > 14) & (light > 20) & (light < 80))


def _white(lab: FloatArray) -> Mask:
    """Light and nearly without colour."""
    return np.asarray((lab[..., 0] > 72) & (np.hypot(lab[..., 1], lab[..., 2]) < 10))


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting, the classes that speak for it, the look of its ground, and the fitted slope and offset.

    Where both are given, the evidence is their geometric mean.
    """

    name: str
    classes: tuple[str, ...]
    look: Callable[[FloatArray], Mask] | None
    slope: float
    offset: float


SETTINGS = (
    Setting(
        "water",
        (
            *(
                "beach",
                "sandbar",
                "headland",
                "breakwater",
                "pier",
                "dam",
                "fountain",
                "geyser",
                "coral reef",
            ),
            *(
                "boat",
                "lifeboat",
                "submarine",
                "paddle",
                "swimming trunks",
                "swimsuit",
                "bathing cap",
                "snorkel",
            ),
            *(
                "scuba diver",
                "bathtub",
                "marine mammal",
                "fish",
                "waterfowl",
                "shorebird",
                "pelican",
                "albatross",
            ),
            "penguin",
        ),
        None,
        slope=1.4,
        offset=1.85,
    ),
    Setting(
        "snow",
        (
            *("ski", "ski mask", "snowmobile", "snowplow", "sled", "mountain", "polar bear", "arctic fox"),
            *("white wolf", "husky", "malamute", "samoyed"),
        ),
        _white,
        slope=1.14,
        offset=1.16,
    ),
    Setting("rock", ("cliff", "megalith", "headland", "stone wall"), None, slope=1.0, offset=2.15),
    Setting("grass", (), _green, slope=0.39, offset=-0.31),
)


def find_settings(
    probabilities: FloatArray, cells: FloatArray, pixels: ImageArray, taxonomy: Taxonomy
) -> list[Region]:
    """The settings that are probable enough, in the order of SETTINGS.

    Shapes: probabilities (C,), cells (h, w, C), pixels (H, W, 3) uint8 RGB.
    """
    small = cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    lab = to_lab(np.asarray(small, dtype=np.uint8))
    mean = (probabilities + cells.mean(axis=(0, 1))) / 2
    found = []
    for setting, classes in zip(SETTINGS, _classes(taxonomy), strict=True):
        evidence: list[float] = []
        box = Box(0.0, 0.0, 1.0, 1.0)
        if setting.classes:
            evidence.append(float(mean[classes].sum()))
            box = largest_part(cells[..., classes].sum(axis=-1))
        if setting.look is not None:
            mask = setting.look(lab)
            mask[: _GROUND // 2] = False
            evidence.append(float(mask[_GROUND:].mean()))
            box = largest_part(mask.astype(np.float32))
        probability = _logistic(math.prod(evidence) ** (1 / len(evidence)), setting)
        if probability >= MIN_PROBABILITY:
            found.append(Region(setting.name, probability, box))
    return found


@lru_cache(maxsize=4)
def _classes(taxonomy: Taxonomy) -> tuple[NDArray[np.int64], ...]:
    """The classes that speak for each setting."""
    return tuple(
        np.array(
            [
                column
                for column, name in enumerate(taxonomy.class_names)
                if taxonomy.any_of(name, frozenset(setting.classes))
            ],
            dtype=np.int64,
        )
        for setting in SETTINGS
    )


def _logistic(evidence: float, setting: Setting) -> float:
    bounded = min(max(evidence, 1e-4), 0.999)
    odds = setting.slope * math.log(bounded / (1 - bounded)) + setting.offset
    return 1 / (1 + math.exp(-odds))
