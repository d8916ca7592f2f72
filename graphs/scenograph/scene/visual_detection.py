"""From a detector's raw boxes and scores to detections: per-class non-maximum suppression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

MIN_SCORE = 0.01  # below it a score is noise: the reference run of the default pack's detector cuts there too
IOU_LIMIT = 0.6  # likewise the reference's


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """N detections, best first: boxes (N, 4) as x0, y0, x1, y1 in [0, 1]; classes (N,); scores (N,).

    `class_scores` (N, C) are the scores of all classes at each box, for second thoughts about its class.
    """

    boxes: FloatArray
    classes: IntArray
    scores: FloatArray
    class_scores: FloatArray

    def __len__(self) -> int:
        return len(self.scores)


def detect(
    boxes: FloatArray,
    scores: FloatArray,
    *,
    min_score: float = MIN_SCORE,
    iou_limit: float = IOU_LIMIT,
    limit: int = 100,
) -> Detections:
    """Non-maximum suppression within each class.

    Shapes: boxes (A, 4), scores (A, C) -> at most `limit` detections, by descending score;
    of equals the lower anchor, then the lower class, comes first.
    """
    anchors, classes = np.nonzero(scores >= min_score)
    values = scores[anchors, classes]
    order = np.argsort(-values, kind="stable")
    anchors, classes = anchors[order], classes[order]
    kept: list[int] = []
    for label in np.unique(classes):
        places = np.flatnonzero(classes == label)[:limit]
        kept += places[_suppress(boxes[anchors[places]], iou_limit)].tolist()
    best = np.sort(np.array(kept, dtype=np.int64))[:limit]
    anchors, classes = anchors[best], classes[best]
    return Detections(
        boxes=boxes[anchors].astype(np.float32),
        classes=classes.astype(np.int64),
        scores=scores[anchors, classes].astype(np.float32),
        class_scores=scores[anchors].astype(np.float32),
    )


def object_scores(scores: FloatArray) -> FloatArray:
    """The best score of each class, 0 below MIN_SCORE.  Shapes: (A, C) -> (C,)."""
    best = scores.max(axis=0)
    return np.where(best >= MIN_SCORE, best, 0.0).astype(np.float32)


def iou(first: FloatArray, second: FloatArray) -> FloatArray:
    """Intersection over union of every pair.  Shapes: (N, 4), (M, 4) -> (N, M)."""
    shared = intersection(first, second)
    union = areas(first)[:, None] + areas(second)[None, :] - shared
    ratio = np.zeros_like(shared)
    np.divide(shared, union, out=ratio, where=union > 0)
    return ratio


def intersection(first: FloatArray, second: FloatArray) -> FloatArray:
    """Area that every pair shares.  Shapes: (N, 4), (M, 4) -> (N, M)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.clip(high - low, 0.0, None)
    return np.asarray(sides[..., 0] * sides[..., 1], dtype=np.float32)


def areas(boxes: FloatArray) -> FloatArray:
    """Areas of boxes.  Shapes: (N, 4) -> (N,)."""
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0.0, None)
    return np.asarray(sides[:, 0] * sides[:, 1], dtype=np.float32)


def _suppress(boxes: FloatArray, iou_limit: float) -> list[int]:
    """Positions that survive, of boxes given best first."""
    overlap = iou(boxes, boxes) > iou_limit
    alive = np.ones(len(boxes), dtype=bool)
    kept = []
    for place in range(len(boxes)):
        if alive[place]:
            kept.append(place)
            alive &= ~overlap[place]
    return kept
