"""Stages of the heads that name what regions are like and what they are to each other, with their words."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from torch import nn

from scenograph.nn.attribute_head import AttributeHead
from scenograph.nn.relation_head import RelationHead
from scenograph.onnx.parity import Feeds, OnnxModel
from scenograph.packs.build import photos
from scenograph.packs.build.modelling import entry, export_checked
from scenograph.packs.build.stage import Result, Stage
from scenograph.packs.build.trained import FOLDER, load_trained
from scenograph.prep import backbone_input, detector_input
from scenograph.scene.visual_detection import detect
from scenograph.scene.visual_heads import attribute_inputs, relation_inputs
from scenograph.scene.visual_pairs import near_pairs
from scenograph.scene.visual_units import unit_places, visual_inputs
from scenograph.scene.visual_words import HeadWords

ATTRIBUTES, RELATIONS = "attribute_head", "relation_head"
_REGION = {name: {0: "regions"} for name in ("backbone", "detector", "scores", "boxes")}
_WHOLE = {name: {0: "regions"} for name in ("whole_backbone", "whole_detector")}
_PAIRS = {name: {0: "pairs"} for name in ("union_backbone", "union_detector", "subjects", "objects")}
AXES = {ATTRIBUTES: _REGION | _WHOLE, RELATIONS: _REGION | _PAIRS}
_REGIONS = (5, 2, 12, 3)  # of each check photograph


def load_attribute_head(folder: Path = FOLDER) -> AttributeHead:
    """The trained head, ready for inference.  Errors: PackBuildFailed (missing)."""
    return load_trained(AttributeHead(len(_words(ATTRIBUTES, folder).words)), ATTRIBUTES, folder)


def load_relation_head(folder: Path = FOLDER) -> RelationHead:
    """The trained head, ready for inference.  Errors: PackBuildFailed (missing)."""
    return load_trained(RelationHead(len(_words(RELATIONS, folder).words)), RELATIONS, folder)


def build_attribute_head(work: Path) -> Result:
    """attribute_head.onnx, and attribute_head.json: its words."""
    feeds: list[Feeds] = [attribute_inputs(seen, np.arange(count)) for seen, count in _seen(work)]
    return _build(work, ATTRIBUTES, load_attribute_head(), feeds)


def build_relation_head(work: Path) -> Result:
    """relation_head.onnx, and relation_head.json: its predicates."""
    feeds: list[Feeds] = [
        relation_inputs(seen, np.arange(count), near_pairs(seen["boxes"][0, :count]))
        for seen, count in _seen(work)
    ]
    return _build(work, RELATIONS, load_relation_head(), feeds)


REGION_STAGES = (
    Stage(ATTRIBUTES, "Exporting the attribute head", 3, build_attribute_head),
    Stage(RELATIONS, "Exporting the relation head", 3, build_relation_head),
)


def _words(name: str, folder: Path) -> HeadWords:
    return HeadWords.load(folder / f"{name}.json")


def _build(work: Path, name: str, module: nn.Module, feeds: list[Feeds]) -> Result:
    exported = export_checked(
        name, module, work, outputs=("probabilities",), dynamic=AXES[name], feeds=feeds,
        on="regions of the check photographs, of 2 to 12 at once", limit=1e-4,
    )  # fmt: skip
    shutil.copyfile(FOLDER / f"{name}.json", work / f"{name}.json")
    model = entry(work, exported.file, exported.parity, tolerance=5e-3)
    golden = {name: (feeds[0], exported.model(feeds[0]))}
    return Result([exported.file, f"{name}.json"], {name: model}, golden)


def _seen(work: Path) -> list[tuple[dict[str, np.ndarray], int]]:
    """What the pack's vision models see in the check photographs, and how many regions to look at."""
    detector, backbone = OnnxModel(work / "detector.onnx"), OnnxModel(work / "backbone.onnx")
    looked = []
    for picture, count in zip(photos.photos(), _REGIONS, strict=False):
        found = detector({"image": detector_input(picture)[None]})
        seen = backbone({"image": backbone_input(picture)[None]})
        places = unit_places(detect(found["boxes"][0], found["scores"][0]))
        maps = {"backbone": seen["map"][0], "detector": found["map"][0]}
        looked.append((visual_inputs(places, maps, seen["features"][0], found["features"][0]), count))
    return looked
