"""mean_average_precision against a slow, literal computation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenograph.metrics.detection import Boxes, box_iou, mean_average_precision


def slow_iou(a: list[float], b: list[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


def slow_map(detections: list[Boxes], truths: list[Boxes], threshold: float) -> float:
    results = []
    for label in sorted({int(c) for truth in truths for c in truth.classes}):
        rows = []  # score, image, box
        for image, found in enumerate(detections):
            assert found.scores is not None
            for box, c, score in zip(found.corners, found.classes, found.scores, strict=True):
                if c == label:
                    rows.append((float(score), image, [float(v) for v in box]))
        rows.sort(key=lambda row: -row[0])
        free = {
            (image, i): [float(v) for v in truth.corners[i]]
            for image, truth in enumerate(truths)
            for i in range(len(truth.classes))
            if truth.classes[i] == label
        }
        total, hits, points = len(free), 0, []
        for rank, (_, image, box) in enumerate(rows, start=1):
            candidates = [(slow_iou(box, want), -key[1]) for key, want in free.items() if key[0] == image]
            if candidates and max(candidates)[0] >= threshold:
                del free[image, -max(candidates)[1]]
                hits += 1
            points.append((hits / total, hits / rank))
        precisions = [
            max((p for r, p in points if r >= recall), default=0.0) for recall in np.linspace(0, 1, 101)
        ]
        results.append(sum(precisions) / 101)
    return sum(results) / len(results)


def boxes(rng: np.random.Generator, count: int, scored: bool) -> Boxes:
    low = rng.integers(0, 6, (count, 2))
    corners = np.concatenate([low, low + rng.integers(1, 5, (count, 2))], axis=1).astype(float)
    scores = rng.permutation(1000)[:count] / 1000 if scored else None
    return Boxes(corners, rng.integers(0, 3, count), scores)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), images=st.integers(1, 5), threshold=st.sampled_from([0.3, 0.5, 0.75]))
def test_equals_the_slow_computation(seed: int, images: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    truths = [boxes(rng, int(rng.integers(1, 6)), scored=False) for _ in range(images)]
    found = [boxes(rng, int(rng.integers(0, 12)), scored=True) for _ in range(images)]
    distinct = rng.permutation(100_000)
    start = 0
    unique = []
    for one in found:  # distinct scores over all images: the order of ties is free
        count = len(one.classes)
        unique.append(Boxes(one.corners, one.classes, distinct[start : start + count] / 100_000))
        start += count
    fast = mean_average_precision(unique, truths, iou_threshold=threshold)
    assert fast == pytest.approx(slow_map(unique, truths, threshold), abs=1e-12)


def test_perfect_and_empty() -> None:
    truth = Boxes(np.array([[0, 0, 1, 1], [2, 2, 3, 3.0]]), np.array([4, 7]))
    right = Boxes(truth.corners, truth.classes, np.array([0.9, 0.1]))
    nothing = Boxes(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    assert mean_average_precision([right], [truth]) == 1.0
    assert mean_average_precision([nothing], [truth]) == 0.0
    assert mean_average_precision([right, nothing], [truth, nothing]) == 1.0


def test_wrong_input() -> None:
    nothing = Boxes(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    with pytest.raises(ValueError, match="no true boxes"):
        mean_average_precision([nothing], [nothing])
    with pytest.raises(ValueError, match="1 images with detections, 0"):
        mean_average_precision([nothing], [])


def test_iou_of_empty_boxes_is_zero() -> None:
    assert box_iou(np.zeros((1, 4)), np.zeros((2, 4))).tolist() == [[0.0, 0.0]]
