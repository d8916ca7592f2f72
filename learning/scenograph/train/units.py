"""Units of photographs and parts of sentences, as the frozen models see and read them, made into batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scenograph.train.task import RowArray

FeatureArray = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class UnitView:
    """What the frozen models say of the units of one view of n photographs.

    Shapes: backbone, detector (n, U, c), maps' means over each box, compressed (`train.compression`); scores
    (n, R, 80); boxes (n, U, 4), R regions and then the cells; regions (n,), how many of R there are; pooled,
    detector_pooled (n, 2560).
    """

    backbone: FeatureArray
    detector: FeatureArray
    scores: FeatureArray
    boxes: FeatureArray
    regions: FeatureArray
    pooled: FeatureArray
    detector_pooled: FeatureArray


@dataclass(frozen=True, slots=True, eq=False)
class PartStates:
    """The text encoder's mean states of the parts of n sentences, padded to N objects and E relations.

    Shapes: heads, attributes (n, N, 384); predicates (n, E, 384); ends (n, E, 2), the objects of a relation;
    objects, relations (n,), how many there are; sentence (n, 384).
    """

    heads: FeatureArray
    attributes: FeatureArray
    predicates: FeatureArray
    ends: FeatureArray
    objects: FeatureArray
    relations: FeatureArray
    sentence: FeatureArray


def seen_units(views: Sequence[UnitView], photos: RowArray, which: NDArray[np.int64]) -> dict[str, Tensor]:
    """The inputs of `VisualUnits` of these photographs, each in the view of that number."""

    def take(name: str) -> NDArray[np.float32]:
        first: FeatureArray = getattr(views[0], name)
        values = np.empty((len(photos), *first.shape[1:]), np.float32)
        for number in np.unique(which):
            mine = which == number
            values[mine] = getattr(views[number], name)[photos[mine]]
        return values

    boxes, scores, counts = take("boxes"), take("scores"), take("regions")
    units, regions = boxes.shape[1], scores.shape[1]
    padded = np.zeros((len(photos), units, scores.shape[2]), np.float32)
    padded[:, :regions] = scores
    place = np.arange(units)
    seen = {
        "backbone": take("backbone"),
        "detector": take("detector"),
        "scores": padded,
        "boxes": boxes,
        "region": np.broadcast_to(place < regions, (len(photos), units)).astype(np.float32),
        "present": ((place >= regions) | (place < counts[:, None])).astype(np.float32),
        "pooled": np.concatenate([take("pooled"), take("detector_pooled")], axis=1),
    }
    return {name: torch.from_numpy(values) for name, values in seen.items()}


def said_parts(states: PartStates, rows: NDArray[np.int64]) -> dict[str, Tensor]:
    """The inputs of `TextUnits.units` of these sentences, cut to their most objects and relations."""
    objects, relations = states.objects[rows].astype(np.int64), states.relations[rows].astype(np.int64)
    most, ends = max(int(objects.max(initial=1)), 1), states.ends[rows].astype(np.int64)
    many = max(int(relations.max(initial=1)), 1)
    told = np.arange(many) < relations[:, None]
    incident = ends[:, :many, :, None] == np.arange(most)
    incident &= told[:, :, None, None]
    said = {
        "heads": states.heads[rows, :most],
        "attributes": states.attributes[rows, :most],
        "predicates": states.predicates[rows, :many],
        "sentence": states.sentence[rows],
        "subjects": incident[:, :, 0],
        "objects": incident[:, :, 1],
        "has_object": np.arange(most) < objects[:, None],
        "has_relation": told,
    }
    return {name: torch.from_numpy(np.asarray(values, dtype=np.float32)) for name, values in said.items()}
