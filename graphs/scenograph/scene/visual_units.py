"""What the learned matcher looks at in an image: regions of the detector and cells of a grid, each with the
mean of the vision models' feature maps over its box.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.units import GraphUnits, UnitKind
from scenograph.scene.visual_detection import IOU_LIMIT, Detections, iou

FloatArray = NDArray[np.float32]
Arrays = dict[str, FloatArray]

REGIONS = 12
GRID = 4
POINTS = 4  # samples of a map along each side of a box
MIN_SCORE = 0.02
WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where units are: regions, best first, then the grid's cells, row by row.

    Shapes: boxes (U, 4) in fractions of the image; scores (U, C), the detector's classes, zeros for cells;
    region (U,), 1 for regions and 0 for cells.
    """

    boxes: FloatArray
    scores: FloatArray
    region: FloatArray


def unit_places(detections: Detections) -> Places:
    """The best boxes of any class, none on another (intersection over union above 0.6), and the grid."""
    kept: list[int] = []
    for place in range(len(detections)):
        if len(kept) == REGIONS or detections.scores[place] < MIN_SCORE:
            break
        box = detections.boxes[place][np.newaxis]
        if not kept or float(iou(box, detections.boxes[kept]).max()) <= IOU_LIMIT:
            kept.append(place)
    cells = grid(GRID)
    classes = detections.class_scores.shape[1]
    return Places(
        boxes=np.concatenate([np.clip(detections.boxes[kept], 0.0, 1.0), cells]).astype(np.float32),
        scores=np.concatenate(
            [detections.class_scores[kept], np.zeros((len(cells), classes), np.float32)]
        ).astype(np.float32),
        region=np.repeat(np.array([1.0, 0.0], dtype=np.float32), [len(kept), len(cells)]),
    )


def grid(side: int) -> FloatArray:
    """The boxes of side x side equal cells, row by row.  Shapes: -> (side^2, 4)."""
    rows, columns = np.divmod(np.arange(side * side), side)
    cells = np.stack([columns, rows, columns + 1, rows + 1], axis=1)
    return np.asarray(cells / side, dtype=np.float32)


def region_means(features: FloatArray, boxes: FloatArray) -> FloatArray:
    """Mean of a feature map over each box, from POINTS x POINTS bilinear samples.

    Shapes: features (h, w, c), boxes (U, 4) -> (U, c).  Source: He et al. 2017 (RoIAlign).
    """
    height, width, channels = features.shape
    down = _axis_weights(boxes[:, 1], boxes[:, 3], height)
    across = _axis_weights(boxes[:, 0], boxes[:, 2], width)
    weights = (down[:, :, np.newaxis] * across[:, np.newaxis, :]).reshape(len(boxes), -1)
    return np.asarray(weights @ features.reshape(-1, channels), dtype=np.float32)


def visual_inputs(
    places: Places, maps: Mapping[str, FloatArray], pooled: FloatArray, detector_pooled: FloatArray
) -> Arrays:
    """The feeds of `visual_units` for one image.

    Shapes: maps "backbone" and "detector" (h, w, 1280); pooled (>= 2560,), of which the backbone's own pooled
    map comes first, detector_pooled (2560,) -> backbone, detector (1, U, 1280); scores (1, U, 80); boxes (1,
    U, 4); region, present (1, U); pooled (1, 5120).
    """
    feeds = {
        "backbone": region_means(maps["backbone"], places.boxes),
        "detector": region_means(maps["detector"], places.boxes),
        "scores": places.scores,
        "boxes": places.boxes,
        "region": places.region,
        "present": np.ones(len(places.boxes), dtype=np.float32),
        "pooled": np.concatenate([pooled[: len(detector_pooled)], detector_pooled]),
    }
    return {name: np.asarray(values, dtype=np.float32)[np.newaxis] for name, values in feeds.items()}


def visual_graph_units(
    places: Places, vectors: FloatArray, scene: FloatArray, boxes: FloatArray
) -> GraphUnits:
    """An image's units: regions, cells and the scene; a region stands for the node whose box fits it best.

    Shapes: vectors (U, d), scene (d,), boxes (N, 4), those of the graph's nodes, zeros where one has none.
    """
    cells = int((places.region == 0).sum())
    regions = len(places.boxes) - cells
    nodes = np.full(len(places.boxes) + 1, -1, dtype=np.int32)
    if regions and len(boxes):
        overlap = iou(places.boxes[:regions], boxes)
        best = overlap.argmax(axis=1)
        nodes[:regions] = np.where(overlap.max(axis=1) >= IOU_LIMIT, best, -1)
    return GraphUnits.quantised(
        np.concatenate([vectors, scene[np.newaxis]]),
        np.ones(len(vectors) + 1, dtype=np.float32),
        np.repeat([UnitKind.OBJECT, UnitKind.CELL, UnitKind.SCENE], [regions, cells, 1]),
        nodes,
        np.concatenate([places.boxes, np.array([WHOLE], dtype=np.float32)]),
    )


def _axis_weights(low: FloatArray, high: FloatArray, size: int) -> FloatArray:
    """How much each of `size` positions counts in [low, high].  Shapes: (U,), (U,) -> (U, size)."""
    steps = (np.arange(POINTS) + 0.5) / POINTS
    points = low[:, np.newaxis] + (high - low)[:, np.newaxis] * steps
    places = np.clip(points * size - 0.5, 0, size - 1)
    distance = np.abs(places[:, :, np.newaxis] - np.arange(size))
    return np.asarray(np.clip(1 - distance, 0, None).mean(axis=1), dtype=np.float32)
