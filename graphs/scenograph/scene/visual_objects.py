"""Objects from a detector's boxes, with second thoughts about their names from the classifier's dense map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scenograph.scene.geometry import measure
from scenograph.scene.graph import Box
from scenograph.scene.visual_detection import Detections, iou
from scenograph.scene.visual_regions import Evidence, Region
from scenograph.scene.visual_taxonomy import Taxonomy

MIN_SCORE = 0.3
MAX_OBJECTS = 16
SAME_PLACE = 0.7  # IoU above which two detections of different classes are one thing
FINER = 0.5  # share of belief, and of the object's own kind, that a finer name must have
DOUBT = 0.01  # belief that every class keeps, so that the classifier alone never rules one out
_ONE_WORD = ("animal", "vehicle")  # what is one of these is no other of them


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its name, finer than the detector's where the classifier is sure, its box, its certainty."""

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


def settle(
    objects: list[Found], regions: list[Region], taxonomy: Taxonomy
) -> tuple[list[Found], list[Region], list[Region]]:
    """One word for what both models saw: the objects, the regions beside them, the regions refuted.

    A region is dropped where an object says the same, more or less finely. Where an animal's (or a vehicle's)
    region
    lies on an object that is another animal (or vehicle), the less probable of the two words gives way.
    """
    objects = list(objects)
    kept, refuted = [], []
    for region in regions:
        if any(taxonomy.is_a(o.name, region.name) or taxonomy.is_a(region.name, o.name) for o in objects):
            continue
        rivals = [place for place, found in enumerate(objects) if _rivals(found, region, taxonomy)]
        stronger = [place for place in rivals if region.score > objects[place].score]
        for place in stronger:
            objects[place] = replace(objects[place], name=region.name, score=region.score)
        if not rivals:
            kept.append(region)
        elif not stronger:
            refuted.append(region)
    return objects, kept, refuted


def _rivals(found: Found, region: Region, taxonomy: Taxonomy) -> bool:
    exclusive = any(
        taxonomy.is_a(found.name, kind) and taxonomy.is_a(region.name, kind) for kind in _ONE_WORD
    )
    return exclusive and overlap(found.box, region.box) >= 0.5


def overlap(a: Box, b: Box) -> float:
    """The part of the smaller box that both cover."""
    pair = measure(a, b)
    return max(pair.share_a, pair.share_b)
