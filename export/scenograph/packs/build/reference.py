"""The detector's reference: OpenCV's own run of the frozen graph, non-maximum suppression included."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from scenograph.nn.detector import COCO_IDS, IMAGE_SIZE
from scenograph.packs.build.sources import DETECTOR

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """Detections: boxes (n, 4) as x0, y0, x1, y1 clipped to [0, 1], scores (n,), classes (n,) out of 80."""

    boxes: FloatArray
    scores: FloatArray
    classes: npt.NDArray[np.int64]


class OpenCvDetector:
    """`ssd_mobilenet_v2_coco_2018_03_29` in OpenCV: scores from 0.01, IoU to 0.6, 100 at most."""

    def __init__(self) -> None:
        graph, config = DETECTOR.file("frozen graph"), DETECTOR.file("OpenCV text graph")
        self._net = cv2.dnn.readNetFromTensorflow(str(graph), str(config))
        self._class_of = {coco_id: index for index, coco_id in enumerate(COCO_IDS)}

    def __call__(self, image: npt.NDArray[np.uint8]) -> Found:
        """Detect in one image.  Shapes: (H, W, 3) uint8 RGB."""
        self._net.setInput(cv2.dnn.blobFromImage(image, size=(IMAGE_SIZE, IMAGE_SIZE)))
        rows = self._net.forward()[0, 0]
        rows = rows[[int(row[1]) in self._class_of for row in rows]]
        classes = np.array([self._class_of[int(row[1])] for row in rows], dtype=np.int64)
        return Found(np.clip(rows[:, 3:7], 0.0, 1.0), rows[:, 2], classes)


def detection_error(found: Found, reference: Found, *, min_score: float = 0.05) -> float:
    """Greatest difference in score or box between detections, each matched with the nearest of its class.

    Both ways, over those with at least `min_score`; infinite where one has a detection that the other lacks.
    """
    return max(_one_way(found, reference, min_score), _one_way(reference, found, min_score))


def _one_way(found: Found, reference: Found, min_score: float) -> float:
    worst = 0.0
    for box, score, label in zip(reference.boxes, reference.scores, reference.classes, strict=True):
        if score < min_score:
            continue
        same = found.classes == label
        if not same.any():
            return float("inf")
        apart = np.maximum(np.abs(found.boxes[same] - box).max(axis=1), np.abs(found.scores[same] - score))
        worst = max(worst, float(apart.min()))
    return worst
