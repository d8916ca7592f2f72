"""The scene graph of an image, from what the vision models see in it. Deterministic; no model runs here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.colour import colour_attributes
from scenograph.scene.graph import Attribute, Node, SceneGraph, Tag
from scenograph.scene.visual_detection import Detections
from scenograph.scene.visual_objects import Found, name_objects
from scenograph.scene.visual_regions import Evidence, Region, find_regions
from scenograph.scene.visual_relations import Thing, relate
from scenograph.scene.visual_taxonomy import Taxonomy

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

MAX_NODES = 20
MAX_TAGS = 10
MIN_TAG = 0.05
SCENES = frozenset({"place", "nature", "structure"})
# Kinds that hold too much to say anything of an image.
GENERAL = frozenset(
    {
        *(
            "household item",
            "structure",
            "place",
            "nature",
            "tool",
            "sports equipment",
            "electronics",
            "part",
        ),
        *(
            "clothing",
            "toy",
            "plant",
            "bag",
            "street item",
            "body part",
            "material",
            "container",
            "land vehicle",
        ),
        *(
            "headgear",
            "furniture",
            "appliance",
            "seat",
            "weapon",
            "mammal",
            "playground equipment",
            "utensil",
        ),
    }
)


def build_visual_graph(
    detections: Detections,
    class_probabilities: FloatArray,
    cells: FloatArray,
    pixels: ImageArray,
    taxonomy: Taxonomy,
) -> SceneGraph:
    """Objects of the detector and regions of the dense class map as nodes, their relations, and tags of the
    image.

    A region that says no more than an object in the same place is dropped; places ("beach") become nodes that
    beings and
    vehicles are on or in. At most MAX_NODES nodes, the most certain first.
    Shapes: class_probabilities (C,), cells (h, w, C), pixels (H, W, 3) uint8 RGB of any size.
    """
    evidence = Evidence.of(class_probabilities, cells, taxonomy)
    objects = name_objects(detections, evidence, taxonomy)
    regions = [
        region for region in find_regions(evidence, taxonomy, GENERAL) if not _said(region, objects, taxonomy)
    ]
    things = [Thing(found.name, found.box, found.score) for found in objects]
    things += [
        Thing(region.name, region.box, region.score, scene=taxonomy.any_of(region.name, SCENES))
        for region in regions
    ]
    things = sorted(things, key=lambda thing: -thing.score)[:MAX_NODES]
    nodes = tuple(
        Node(
            label=thing.name,
            attributes=() if thing.scene else _attributes(thing, things, pixels),
            score=round(thing.score, 4),
            box=thing.box,
        )
        for thing in things
    )
    return SceneGraph(nodes, tuple(relate(things, taxonomy)), _tags(evidence, class_probabilities, taxonomy))


def _said(region: Region, objects: list[Found], taxonomy: Taxonomy) -> bool:
    """Whether an object says it already: the same noun, a kind of it, or what it is a kind of."""
    return any(
        taxonomy.is_a(found.name, region.name) or taxonomy.is_a(region.name, found.name) for found in objects
    )


def _attributes(thing: Thing, things: list[Thing], pixels: ImageArray) -> tuple[Attribute, ...]:
    return (*colour_attributes(pixels, thing.box), *_size(thing, things))


def _size(thing: Thing, things: list[Thing]) -> tuple[Attribute, ...]:
    """ "large" or "small" beside others of its name: twice, or half, their middle area; alone: more than half
    the image.
    """
    areas = sorted(other.box.area for other in things if other.name == thing.name)
    if len(areas) >= 2:
        middle = (
            areas[len(areas) // 2]
            if len(areas) % 2
            else (areas[len(areas) // 2 - 1] + areas[len(areas) // 2]) / 2
        )
        ratio = thing.box.area / middle
        if ratio >= 1.6:
            return (Attribute("large", round(min(1.0, ratio / 3), 4)),)
        if ratio <= 1 / 1.6:
            return (Attribute("small", round(min(1.0, 1 / ratio / 3), 4)),)
    elif thing.box.area >= 0.5:
        return (Attribute("large", round(thing.box.area, 4)),)
    return ()


def _tags(evidence: Evidence, probabilities: FloatArray, taxonomy: Taxonomy) -> tuple[Tag, ...]:
    """The likeliest classes and the certain concepts above them, most probable first, each noun once."""
    scores: dict[str, float] = {}
    for label in np.argsort(-probabilities, kind="stable")[:MAX_TAGS].tolist():
        name = taxonomy.class_names[label]
        scores[name] = scores.get(name, 0.0) + float(probabilities[label])
    for name in taxonomy.concepts:
        belief = float(evidence.image[taxonomy.place[name]])
        if belief >= MIN_TAG and name not in GENERAL:
            scores[name] = max(scores.get(name, 0.0), belief)
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Tag(name, round(min(1.0, score), 4)) for name, score in ranked if score >= MIN_TAG)[
        :MAX_TAGS
    ]
