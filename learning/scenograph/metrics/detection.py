"""Average precision of object detectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.integer]

_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of one image: corners (n, 4) as x0, y0, x1, y1, classes (n,); detections have scores (n,)."""

    corners: FloatArray
    classes: IntArray
    scores: FloatArray | None = None


def mean_average_precision(
    detections: Sequence[Boxes], truths: Sequence[Boxes], *, iou_threshold: float = 0.5
) -> float:
    """Mean over the classes that occur in `truths` of the average precision, in [0, 1].

    One entry an image in both. A detection is right when its IoU with a free true box of its class is at
    least `iou_threshold`; the best-scored detections choose first, each the free box it overlaps most.
    Precision is interpolated at 101 recalls.  Source: the COCO detection challenge (Lin et al. 2014).
    """
    return float(np.mean(list(average_precisions(detections, truths, iou_threshold=iou_threshold).values())))


def average_precisions(
    detections: Sequence[Boxes], truths: Sequence[Boxes], *, iou_threshold: float = 0.5
) -> dict[int, float]:
    """The average precision of each class that occurs in `truths`, as in `mean_average_precision`."""
    if len(detections) != len(truths):
        raise ValueError(f"{len(detections)} images with detections, {len(truths)} with true boxes")
    classes = np.unique(np.concatenate([truth.classes for truth in truths] or [np.zeros(0, np.int64)]))
    if not len(classes):
        raise ValueError("no true boxes")
    return {
        int(label): _average_precision(detections, truths, int(label), iou_threshold) for label in classes
    }


def _average_precision(
    detections: Sequence[Boxes], truths: Sequence[Boxes], label: int, iou_threshold: float
) -> float:
    scores, right, total = [], [], 0
    for found, truth in zip(detections, truths, strict=True):
        if found.scores is None:
            raise ValueError("detections need scores")
        chosen = np.flatnonzero(found.classes == label)
        chosen = chosen[np.argsort(-found.scores[chosen], kind="stable")]
        wanted = truth.corners[truth.classes == label]
        total += len(wanted)
        scores.append(found.scores[chosen])
        right.append(_right(found.corners[chosen], wanted, iou_threshold))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hits = np.concatenate(right)[order]
    recall = np.cumsum(hits) / total
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best_from_here = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(best_from_here[np.searchsorted(recall, _RECALLS, side="left")].mean())


def _right(found: FloatArray, wanted: FloatArray, iou_threshold: float) -> npt.NDArray[np.bool_]:
    """Which detections of one class in one image, best first, are right."""
    right = np.zeros(len(found), dtype=bool)
    overlap = box_iou(found, wanted)
    for row in range(len(found)):
        best = int(overlap[row].argmax()) if len(wanted) else -1
        if best >= 0 and overlap[row, best] >= iou_threshold:
            right[row] = True
            overlap[:, best] = -1.0  # taken
    return right


def box_iou(first: FloatArray, second: FloatArray) -> npt.NDArray[np.float64]:
    """Intersection over union of every pair.  Shapes: (n, 4), (m, 4) -> (n, m)."""
    first, second = np.asarray(first, np.float64)[:, None], np.asarray(second, np.float64)[None]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.clip(sides, 0.0, None).prod(axis=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (first, second)]
    union = areas[0] + areas[1] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(union), where=union > 0), np.float64)
