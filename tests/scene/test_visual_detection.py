"""Non-maximum suppression against a slow obvious one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scenograph.scene.visual_detection import MIN_SCORE, areas, detect, iou, object_scores

FloatArray = NDArray[np.float32]


def slow_iou(a: FloatArray, b: FloatArray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, float(width)) * max(0.0, float(height))
    union = float((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])) - shared
    return shared / union if union > 0 else 0.0


def slow_detect(
    boxes: FloatArray, scores: FloatArray, min_score: float, limit: float
) -> list[tuple[int, int]]:
    """Anchor and class of what survives, best first."""
    kept: list[tuple[float, int, int]] = []
    for label in range(scores.shape[1]):
        chosen: list[int] = []
        for anchor in np.argsort(-scores[:, label], kind="stable"):
            if scores[anchor, label] < min_score:
                break
            if all(slow_iou(boxes[anchor], boxes[other]) <= limit for other in chosen):
                chosen.append(int(anchor))
                kept.append((-float(scores[anchor, label]), int(anchor), label))
    return [(anchor, label) for _, anchor, label in sorted(kept)]


def some_boxes(seed: int, anchors: int, classes: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 0.7, (anchors, 2))
    boxes = np.concatenate([low, low + rng.uniform(0, 0.3, (anchors, 2))], axis=1).astype(np.float32)
    return boxes, rng.uniform(0, 1, (anchors, classes)).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_keeps_what_the_obvious_loop_keeps(seed: int) -> None:
    boxes, scores = some_boxes(seed, 60, 4)
    found = detect(boxes, scores, min_score=0.3, iou_limit=0.4, limit=1000)
    expected = slow_detect(boxes, scores, 0.3, 0.4)
    assert len(found) == len(expected)
    np.testing.assert_array_equal(found.classes, [label for _, label in expected])
    np.testing.assert_array_equal(found.boxes, boxes[[anchor for anchor, _ in expected]])
    np.testing.assert_array_equal(found.class_scores, scores[[anchor for anchor, _ in expected]])


def test_the_limit_keeps_the_best() -> None:
    boxes, scores = some_boxes(9, 80, 3)
    every = detect(boxes, scores, min_score=0.2, limit=1000)
    few = detect(boxes, scores, min_score=0.2, limit=7)
    np.testing.assert_array_equal(few.scores, every.scores[:7])
    assert (np.diff(every.scores) <= 0).all()


def test_nothing_found() -> None:
    boxes, scores = some_boxes(1, 10, 3)
    found = detect(boxes, scores * 0, min_score=0.5)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert found.class_scores.shape == (0, 3)


def test_iou_of_all_pairs() -> None:
    boxes, _ = some_boxes(3, 20, 1)
    boxes[0] = boxes[1]
    boxes[2, 2:] = boxes[2, :2]  # no area at all
    expected = [[slow_iou(a, b) for b in boxes] for a in boxes]
    np.testing.assert_allclose(iou(boxes, boxes), expected, atol=1e-5)
    assert areas(boxes)[2] == 0


def test_object_scores_are_the_best_of_each_class() -> None:
    scores = np.array([[0.2, 0.005, 0.0], [0.7, 0.003, MIN_SCORE]], dtype=np.float32)
    np.testing.assert_array_equal(object_scores(scores), np.array([0.7, 0.0, MIN_SCORE], dtype=np.float32))
