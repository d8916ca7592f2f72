"""resize_for: the whole image in the square, as each model's reference has it."""

from __future__ import annotations

import cv2
import numpy as np

from scenograph.prep import backbone_input, detector_input, resize_for


def test_detector_input_is_the_reference_of_opencv() -> None:
    image = np.random.default_rng(0).integers(0, 256, (123, 457, 3), dtype=np.uint8)
    blob = cv2.dnn.blobFromImage(image, size=(300, 300))
    np.testing.assert_array_equal(detector_input(image), blob[0].transpose(1, 2, 0).astype(np.uint8))


def test_stretches_and_keeps_the_corners() -> None:
    image = np.zeros((400, 800, 3), np.uint8)
    image[:200, :400] = 255
    for square in (resize_for(image, 100), resize_for(image, 100, smooth=True)):
        assert square.shape == (100, 100, 3)
        assert square[:49, :49].min() == 255
        assert square[51:, :].max() == 0
        assert square[:, 51:].max() == 0


def test_backbone_input_of_a_tiny_image() -> None:
    assert backbone_input(np.full((1, 1, 3), 7, np.uint8)).shape == (260, 260, 3)
    assert (backbone_input(np.full((1, 1, 3), 7, np.uint8)) == 7).all()
