"""What the learned matcher looks at in an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.units import UnitKind
from scenograph.scene.visual_detection import Detections, detect
from scenograph.scene.visual_units import (
    GRID,
    POINTS,
    REGIONS,
    grid,
    region_means,
    unit_places,
    visual_graph_units,
    visual_inputs,
)

CELLS = GRID * GRID


def _detections(count: int = 40, seed: int = 0) -> Detections:
    rng = np.random.default_rng(seed)
    low = rng.random((count, 2)) * 0.7
    boxes = np.concatenate([low, low + 0.05 + 0.25 * rng.random((count, 2))], axis=1).astype(np.float32)
    return detect(boxes, rng.random((count, 80)).astype(np.float32) ** 20)


def _sample(features: NDArray[np.float32], x: float, y: float) -> NDArray[np.float32]:
    """Bilinear, edges repeated."""
    height, width, _ = features.shape
    u, v = min(max(x * width - 0.5, 0), width - 1), min(max(y * height - 0.5, 0), height - 1)
    left, top = int(u), int(v)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    a, b = u - left, v - top
    upper = (1 - a) * features[top, left] + a * features[top, right]
    lower = (1 - a) * features[bottom, left] + a * features[bottom, right]
    return np.asarray((1 - b) * upper + b * lower, dtype=np.float32)


def test_means_are_those_of_bilinear_samples() -> None:
    rng = np.random.default_rng(1)
    features = rng.standard_normal((9, 7, 3)).astype(np.float32)
    boxes = np.array(
        [[0, 0, 1, 1], [0.2, 0.3, 0.25, 0.9], [0.9, 0.9, 1, 1], [0.5, 0.5, 0.5, 0.5]], np.float32
    )
    means = region_means(features, boxes)
    for box, mean in zip(boxes, means, strict=True):
        steps = (np.arange(POINTS) + 0.5) / POINTS
        samples = [
            _sample(features, box[0] + (box[2] - box[0]) * s, box[1] + (box[3] - box[1]) * t)
            for t in steps
            for s in steps
        ]
        assert np.allclose(mean, np.mean(samples, axis=0), atol=1e-5)


def test_places_are_the_best_boxes_and_the_grid() -> None:
    detections = _detections()
    places = unit_places(detections)
    regions = len(places.boxes) - CELLS
    assert 1 <= regions <= REGIONS
    assert places.region.tolist() == [1.0] * regions + [0.0] * CELLS
    assert np.allclose(places.boxes[regions:], grid(GRID))
    assert np.array_equal(places.boxes[0], detections.boxes[0])
    assert not places.scores[regions:].any() and places.scores[0].max() == detections.scores[0]


def test_an_image_without_detections_has_cells_and_the_scene() -> None:
    nothing = detect(np.zeros((0, 4), np.float32), np.zeros((0, 80), np.float32))
    places = unit_places(nothing)
    maps = {"backbone": np.ones((9, 9, 4), np.float32), "detector": np.zeros((10, 10, 4), np.float32)}
    feeds = visual_inputs(places, maps, np.zeros(5, np.float32), np.ones(5, np.float32))
    assert feeds["backbone"].shape == (1, CELLS, 4) and np.allclose(feeds["backbone"], 1)
    assert feeds["pooled"].shape == (1, 10)
    units = visual_graph_units(
        places, np.ones((CELLS, 2), np.float32), np.ones(2, np.float32), np.zeros((0, 4), np.float32)
    )
    assert units.kinds.tolist() == [UnitKind.CELL] * CELLS + [UnitKind.SCENE]


def test_regions_stand_for_the_nodes_whose_boxes_they_have() -> None:
    places = unit_places(_detections())
    regions = len(places.boxes) - CELLS
    nodes = np.stack([places.boxes[1], np.zeros(4, np.float32), places.boxes[0]])
    count = len(places.boxes)
    units = visual_graph_units(places, np.ones((count, 2), np.float32), np.ones(2, np.float32), nodes)
    assert units.nodes[0] == 2 and units.nodes[1] == 0
    assert (units.nodes[regions:] == -1).all()
    assert units.boxes is not None and units.boxes[-1].tolist() == [0, 0, 1, 1]
