"""Objects from a detector's boxes, with second thoughts about their names from the classifier's dense map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenograph.scene.graph import Box
from scenograph.scene.visual_detection import Detections, intersection, iou
from scenograph.scene.visual_regions import Evidence
from scenograph.scene.visual_taxonomy import Taxonomy

MIN_SCORE = 0.3
MAX_OBJECTS = 16
SAME_PLACE = 0.7  # IoU above which two detections of different classes are one thing
FINER = 0.5  # share of belief, and of the object's own kind, that a finer name must have
DOUBT = 0.02  # belief that every class keeps, so that the classifier alone never rules one out


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its name (a finer one than the detector's where the classifier is sure), its box and its
    certainty.
    """

    name: str
    box: Box
    score: float


def name_objects(detections: Detections, evidence: Evidence, taxonomy: Taxonomy) -> list[Found]:
    """The certain detections, one for each place, best first, each with its best name."""
    found: list[Found] = []
    kept: list[int] = []
    for index in range(len(detections)):
        if detections.scores[index] < MIN_SCORE or len(found) == MAX_OBJECTS:
            break
        box = detections.boxes[index : index + 1]
        if kept and float(iou(box, detections.boxes[kept]).max()) > SAME_PLACE:
            continue
        x0, y0, x1, y1 = (float(value) for value in detections.boxes[index])
        if x1 <= x0 or y1 <= y0:
            continue
        place = Box(x0, y0, x1, y1)
        belief = (evidence.inside(place) + evidence.image) / 2
        name = _second_thought(detections, index, belief, taxonomy)
        found.append(Found(_finer(name, belief, taxonomy), place, float(detections.scores[index])))
        kept.append(index)
    return found


def _second_thought(detections: Detections, index: int, belief: np.ndarray, taxonomy: Taxonomy) -> str:
    """The detector's class, or another animal where detector and classifier together say so.

    The detector often takes a dog for a bear or a cow; the classifier knows a hundred breeds.
    """
    own = taxonomy.object_names[int(detections.classes[index])]
    if not taxonomy.is_a(own, "animal"):
        return own

    def fused(label: int) -> float:
        name = taxonomy.object_names[label]
        known = float(belief[taxonomy.place[name]]) if name in taxonomy.place else 0.0
        return float(detections.class_scores[index, label]) * (DOUBT + known)

    animals = [label for label, name in enumerate(taxonomy.object_names) if taxonomy.is_a(name, "animal")]
    return taxonomy.object_names[max(animals, key=lambda label: (fused(label), -label))]


def _finer(name: str, belief: np.ndarray, taxonomy: Taxonomy) -> str:
    """The most specific kind of `name` that the classifier is sure of, else `name`."""
    if name not in taxonomy.place:
        return name
    own = float(belief[taxonomy.place[name]])
    finer = [
        kind
        for kind in taxonomy.below.get(name, ())
        if belief[taxonomy.place[kind]] >= max(FINER, FINER * own)
    ]
    return max(
        finer, key=lambda kind: (len(taxonomy.kinds[kind]), float(belief[taxonomy.place[kind]])), default=name
    )


def covered_by(region: Box, objects: list[Found]) -> float:
    """The greatest part of the smaller one that a region shares with an object's box."""
    if not objects:
        return 0.0
    boxes = np.array([[o.box.x0, o.box.y0, o.box.x1, o.box.y1] for o in objects], dtype=np.float32)
    own = np.array([[region.x0, region.y0, region.x1, region.y1]], dtype=np.float32)
    shared = intersection(own, boxes)[0]
    smaller = np.minimum([o.box.area for o in objects], region.area)
    return float((shared / np.maximum(smaller, 1e-9)).max())
