"""From a decoded image to the square that a model takes. Normalisation of the values is inside the models."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

DETECTOR_SIZE = 300
BACKBONE_SIZE = 260
# Raised with any change of these functions that a model could see; a pack names the version it was made with.
PREP_VERSION = 1

ImageArray = npt.NDArray[np.uint8]


def resize_for(image: ImageArray, size: int, *, smooth: bool = False) -> ImageArray:
    """Stretch the whole image to a square: no crop, so a place in it is a fraction of the sides.

    `smooth=False`: plain bilinear, the same as `cv2.dnn.blobFromImage` (the detector's reference).
    `smooth=True`: area average where the image shrinks and bicubic where it grows (the backbone's choice).
    Shapes: (H, W, 3) uint8 -> (size, size, 3) uint8.
    """
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    interpolation = cv2.INTER_LINEAR
    if smooth:
        interpolation = cv2.INTER_AREA if min(height, width) > size else cv2.INTER_CUBIC
    resized = cv2.resize(image, (size, size), interpolation=interpolation)
    return np.asarray(resized, dtype=np.uint8)


def detector_input(image: ImageArray) -> ImageArray:
    """The detector's view of an image.  Shapes: (H, W, 3) uint8 RGB -> (300, 300, 3) uint8 RGB."""
    return resize_for(image, DETECTOR_SIZE)


def backbone_input(image: ImageArray) -> ImageArray:
    """The backbone's view of an image.  Shapes: (H, W, 3) uint8 RGB -> (260, 260, 3) uint8 RGB."""
    return resize_for(image, BACKBONE_SIZE, smooth=True)
