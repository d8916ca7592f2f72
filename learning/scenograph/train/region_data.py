"""Regions of photographs with what captions say of them, and pairs of regions likewise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scenograph.scene.visual_pairs import union_weights
from scenograph.train.task import RowArray
from scenograph.train.units import UnitView

FloatArray = NDArray[np.float32]
Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class SeenPhotos:
    """What the frozen models say of n photographs, means compressed (`train.compression`).

    `view` holds regions and cells; whole_backbone, whole_detector (n, c) the means over each photograph.
    """

    view: UnitView
    whole_backbone: Array
    whole_detector: Array

    def regions(self, photos: RowArray, regions: RowArray) -> dict[str, Tensor]:
        """The inputs of `AttributeHead` of these regions of these photographs."""
        view = self.view
        return _tensors(
            backbone=view.backbone[photos, regions],
            detector=view.detector[photos, regions],
            scores=view.scores[photos, regions],
            boxes=view.boxes[photos, regions],
            whole_backbone=self.whole_backbone[photos],
            whole_detector=self.whole_detector[photos],
        )

    def pairs(self, photos: RowArray, subjects: RowArray, objects: RowArray) -> dict[str, Tensor]:
        """The inputs of `RelationHead` of these pairs: the subjects' regions, then the objects'."""
        view, count = self.view, len(photos)
        cells = view.backbone.shape[1] - view.scores.shape[1]
        twice, both = np.concatenate([photos, photos]), np.concatenate([subjects, objects])
        weights = union_weights(view.boxes[photos, subjects], view.boxes[photos, objects])
        unions = {
            f"union_{name}": np.einsum("pg,pgc->pc", weights, whole[photos, -cells:].astype(np.float32))
            for name, whole in (("backbone", view.backbone), ("detector", view.detector))
        }
        return _tensors(
            backbone=view.backbone[twice, both],
            detector=view.detector[twice, both],
            scores=view.scores[twice, both],
            boxes=view.boxes[twice, both],
            **unions,
        ) | {"subjects": torch.arange(count), "objects": torch.arange(count, 2 * count)}


@dataclass(frozen=True, slots=True, eq=False)
class RegionLabels:
    """m regions by photo and number; targets (m, W) in [0, 1], and weights (m, W), 0 where none knows."""

    photos: RowArray
    regions: RowArray
    targets: FloatArray
    weights: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class PairLabels:
    """m ordered pairs of regions of a photo, with targets (m, P): 1 where a caption says the predicate."""

    photos: RowArray
    subjects: RowArray
    objects: RowArray
    targets: FloatArray


def _tensors(**arrays: Array) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.asarray(values, np.float32)) for name, values in arrays.items()}
