"""The scene graph of an image, from what the vision models see in it. Deterministic; no model runs here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.colour import ANIMAL, CLOTHES, THING, colour_attributes, exposure
from scenograph.scene.graph import Attribute, Node, SceneGraph, Tag
from scenograph.scene.visual_detection import Detections
from scenograph.scene.visual_objects import name_objects, settle
from scenograph.scene.visual_regions import Evidence, Region, find_regions
from scenograph.scene.visual_relations import Thing, relate
from scenograph.scene.visual_scenes import find_settings
from scenograph.scene.visual_taxonomy import Taxonomy

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

MAX_NODES = 20
MAX_TAGS = 10
MIN_TAG = 0.05
SIZE_RATIO = 1.6
_LOOKS = {"person": CLOTHES, "animal": ANIMAL}
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
            "appliance",
        ),
        *("headgear", "furniture", "seat", "weapon", "animal", "mammal", "vehicle", "land vehicle"),
        *("motor vehicle", "playground equipment", "utensil"),
    }
)


def build_visual_graph(
    detections: Detections,
    class_probabilities: FloatArray,
    cells: FloatArray,
    pixels: ImageArray,
    taxonomy: Taxonomy,
) -> SceneGraph:
    """Objects, regions and the setting as nodes, with their attributes and relations, and tags of the image.

    Beings and vehicles are on, or in, the places ("beach", "grass") whose boxes they overlap. Places have no
    attributes.
    At most MAX_NODES nodes, the most probable first.
    Shapes: class_probabilities (C,), cells (h, w, C), pixels (H, W, 3) uint8 RGB of any size.
    """
    evidence = Evidence.of(class_probabilities, cells, taxonomy)
    regions = find_regions(evidence, taxonomy, GENERAL)
    found = name_objects(detections, evidence, taxonomy)
    objects, regions, refuted = settle(found, regions, taxonomy)
    settings = [
        setting
        for setting in find_settings(class_probabilities, cells, pixels, taxonomy)
        if not any(taxonomy.is_a(region.name, setting.name) for region in regions)
    ]
    things = [Thing(item.name, item.box, item.score) for item in objects]
    things += [
        Thing(region.name, region.box, region.score, scene=taxonomy.any_of(region.name, SCENES))
        for region in regions
    ]
    things += [Thing(setting.name, setting.box, setting.score, scene=True) for setting in settings]
    things = sorted(things, key=lambda thing: -thing.score)[:MAX_NODES]
    gain = exposure(pixels)
    nodes = tuple(
        Node(
            label=thing.name,
            attributes=() if thing.scene else _attributes(thing, things, pixels, gain, taxonomy),
            score=round(thing.score, 4),
            box=thing.box,
        )
        for thing in things
    )
    tags = _tags(evidence, class_probabilities, settings, refuted, taxonomy)
    return SceneGraph(nodes, tuple(relate(things, taxonomy)), tags)


def _attributes(
    thing: Thing, things: list[Thing], pixels: ImageArray, gain: float, taxonomy: Taxonomy
) -> tuple[Attribute, ...]:
    look = next((look for kind, look in _LOOKS.items() if taxonomy.is_a(thing.name, kind)), THING)
    return (*colour_attributes(pixels, thing.box, look, gain=gain), *_size(thing, things))


def _size(thing: Thing, things: list[Thing]) -> tuple[Attribute, ...]:
    """ "large" or "small" beside others of its name, by 1.6 times their middle area; nothing can be told of
    one alone.
    """
    areas = sorted(other.box.area for other in things if other.name == thing.name)
    if len(areas) < 2:
        return ()
    ratio = thing.box.area / ((areas[(len(areas) - 1) // 2] + areas[len(areas) // 2]) / 2)
    if ratio >= SIZE_RATIO:
        return (Attribute("large", round(min(1.0, ratio / 3), 4)),)
    if ratio <= 1 / SIZE_RATIO:
        return (Attribute("small", round(min(1.0, 1 / ratio / 3), 4)),)
    return ()


def _tags(
    evidence: Evidence,
    probabilities: FloatArray,
    settings: list[Region],
    refuted: list[Region],
    taxonomy: Taxonomy,
) -> tuple[Tag, ...]:
    """The likeliest classes, the certain concepts above them, and the settings; best first, each once.

    What an object refuted ("big cat" where a giraffe stands) is left out, with its kinds.
    """
    scores = {setting.name: setting.score for setting in settings}
    for label in np.argsort(-probabilities, kind="stable")[:MAX_TAGS].tolist():
        name = taxonomy.class_names[label]
        scores[name] = max(scores.get(name, 0.0), float(probabilities[label]))
    for place in np.flatnonzero(evidence.certain >= MIN_TAG).tolist():
        name = taxonomy.concepts[place]
        if name not in GENERAL:
            scores[name] = max(scores.get(name, 0.0), float(evidence.certain[place]))
    wrong = frozenset(region.name for region in refuted)
    ranked = sorted(
        ((name, score) for name, score in scores.items() if not taxonomy.any_of(name, wrong)),
        key=lambda item: (-item[1], item[0]),
    )
    return tuple(Tag(name, round(score, 4)) for name, score in ranked if score >= MIN_TAG)[:MAX_TAGS]
