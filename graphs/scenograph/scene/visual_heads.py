"""What the learned heads look at in an image: the regions that stand for a graph's nodes, and their pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.graph import SceneGraph
from scenograph.scene.visual import SCENES
from scenograph.scene.visual_detection import IOU_LIMIT, iou
from scenograph.scene.visual_pairs import near_pairs, union_weights
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.visual_units import Places

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
Feeds = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True, eq=False)
class HeadPlaces:
    """n nodes that a region stands for, by their numbers in the graph and the regions', and P pairs of them,
    subject and object, by their place among the n.

    Shapes: nodes, regions (n,), pairs (2, P).
    """

    nodes: IntArray
    regions: IntArray
    pairs: IntArray


def head_places(graph: SceneGraph, places: Places, taxonomy: Taxonomy) -> HeadPlaces:
    """The nodes, but places ("beach"), whose box is that of a region (intersection over union from
    IOU_LIMIT), the best for each.
    """
    count = int((places.region > 0).sum())
    boxed = {
        number: (box.x0, box.y0, box.x1, box.y1)
        for number, node in enumerate(graph.nodes)
        if (box := node.box) is not None and not taxonomy.any_of(node.name, SCENES)
    }
    boxes = np.array(list(boxed.values()), dtype=np.float32).reshape(-1, 4)
    overlap = iou(boxes, places.boxes[:count]) if count else np.zeros((len(boxes), 1), np.float32)
    met = np.flatnonzero(overlap.max(axis=1, initial=0.0) >= IOU_LIMIT)
    regions = overlap[met].argmax(axis=1) if len(met) else np.zeros(0, np.int64)
    nodes = np.array(list(boxed), dtype=np.int64)[met]
    return HeadPlaces(nodes, regions.astype(np.int64), near_pairs(places.boxes[regions]))


def attribute_inputs(seen: Mapping[str, FloatArray], regions: IntArray) -> Feeds:
    """The feeds of `attribute_head` for these regions of an image, of which `seen` is `visual_inputs`.

    Shapes: regions (n,) -> backbone, detector, whole_backbone, whole_detector (n, 1280), scores (n, 80),
    boxes (n, 4).
    """
    channels = seen["backbone"].shape[2]
    whole = seen["pooled"][0].reshape(2, -1)[:, :channels]
    return {
        **_of_regions(seen, regions),
        "whole_backbone": np.repeat(whole[:1], len(regions), axis=0),
        "whole_detector": np.repeat(whole[1:], len(regions), axis=0),
    }


def relation_inputs(seen: Mapping[str, FloatArray], regions: IntArray, pairs: IntArray) -> Feeds:
    """The feeds of `relation_head` for these pairs of these regions.

    Shapes: regions (n,), pairs (2, P) -> backbone, detector (n, 1280), scores (n, 80), boxes (n, 4);
    union_backbone, union_detector (P, 1280); subjects, objects (P,) int64.
    """
    own = _of_regions(seen, regions)
    boxes = seen["boxes"][0][regions]
    weights = union_weights(boxes[pairs[0]], boxes[pairs[1]])
    cells = seen["region"][0] == 0
    return {
        **own,
        "union_backbone": weights @ seen["backbone"][0][cells],
        "union_detector": weights @ seen["detector"][0][cells],
        "subjects": pairs[0],
        "objects": pairs[1],
    }


def _of_regions(seen: Mapping[str, FloatArray], regions: IntArray) -> Feeds:
    return {name: seen[name][0][regions] for name in ("backbone", "detector", "scores", "boxes")}
