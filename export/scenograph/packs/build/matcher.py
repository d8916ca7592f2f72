"""Stages of the learned matcher: the units of images, the units of sentences, and what compares them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
from safetensors.torch import load_file
from torch import Tensor, nn

from scenograph.nn.text_units import TextUnits
from scenograph.nn.unit_matcher import UnitMatcher
from scenograph.nn.visual_units import VisualUnits
from scenograph.onnx.parity import Feeds, OnnxModel
from scenograph.packs import heads
from scenograph.packs.build import photos
from scenograph.packs.build.modelling import entry, export_checked
from scenograph.packs.build.stage import Result, Stage
from scenograph.packs.build.text import TextVectors
from scenograph.prep import Tokenizer, backbone_input, detector_input
from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph
from scenograph.scene.telling import told
from scenograph.scene.text_parts import text_inputs, text_parts
from scenograph.scene.visual_detection import detect
from scenograph.scene.visual_units import unit_places, visual_inputs

WEIGHTS = "matcher.safetensors"
Module = TypeVar("Module", bound=nn.Module)
FOLDER = Path(heads.__file__).parent
_MAN, _HORSE = Node("man"), Node("horse", attributes=(Attribute("brown"),))
_GRAPHS = (
    SceneGraph((_MAN, _HORSE, Node("beach")), (Edge(0, "riding", 1), Edge(0, "on", 2))),
    SceneGraph((Node("dog"),)),
    SceneGraph((Node("dog"), Node("cat")), (Edge(0, "chasing", 1),)),
)
_VISUAL_AXES = {
    **{
        name: {0: "batch", 1: "units"}
        for name in ("backbone", "detector", "scores", "boxes", "region", "present")
    },
    "pooled": {0: "batch"},
}
_TEXT_AXES = {
    "tokens": {0: "batch", 1: "tokens"},
    "sentence": {0: "batch"},
    "heads": {0: "batch", 1: "objects", 2: "tokens"},
    "attributes": {0: "batch", 1: "objects", 2: "tokens"},
    "predicates": {0: "batch", 1: "relations", 2: "tokens"},
    "subjects": {0: "batch", 1: "relations", 2: "objects"},
    "objects": {0: "batch", 1: "relations", 2: "objects"},
    "has_object": {0: "batch", 1: "objects"},
    "has_relation": {0: "batch", 1: "relations"},
}
_MATCHER_AXES = {
    **{name: {0: "texts", 1: "parts"} for name in ("text", "weights", "text_scene")},
    **{name: {0: "images", 1: "units"} for name in ("visual", "present", "visual_scene")},
}


def load_visual_units(folder: Path = FOLDER) -> VisualUnits:
    """The trained units of images, ready for inference."""
    return _loaded(VisualUnits(), "visual", folder)


def load_text_units(folder: Path = FOLDER) -> TextUnits:
    """The trained units of sentences, ready for inference."""
    return _loaded(TextUnits(), "text", folder)


def load_unit_matcher(folder: Path = FOLDER) -> UnitMatcher:
    """What compares them, with the range of scores that was met in training."""
    return _loaded(UnitMatcher(), "matcher", folder)


def build_visual_units(work: Path) -> Result:
    """visual_units.onnx."""
    return _build(
        work,
        "visual_units",
        load_visual_units(),
        _photo_feeds(work),
        outputs=("vectors", "scene"),
        dynamic=_VISUAL_AXES,
        on="what the vision models see in the check photographs",
    )


def build_text_units(work: Path) -> Result:
    """text_units.onnx."""
    return _build(
        work,
        "text_units",
        load_text_units(),
        _graph_feeds(work),
        outputs=("vectors", "weights"),
        dynamic=_TEXT_AXES,
        on="graphs of 1 to 3 objects and 0 to 2 relations, said by sentences",
    )


def build_unit_matcher(work: Path) -> Result:
    """unit_matcher.onnx."""
    return _build(
        work,
        "unit_matcher",
        load_unit_matcher(),
        _unit_feeds(),
        outputs=("score", "best", "place"),
        dynamic=_MATCHER_AXES,
        on="a sentence with 5 images, 3 sentences with an image",
    )


MATCHER_STAGES = (
    Stage("visual_units", "Exporting the units of images", 6, build_visual_units),
    Stage("text_units", "Exporting the units of sentences", 6, build_text_units),
    Stage("unit_matcher", "Exporting the learned matcher", 4, build_unit_matcher),
)


def _loaded(module: Module, part: str, folder: Path) -> Module:
    state: dict[str, Tensor] = load_file(folder / WEIGHTS)
    own = {
        name.removeprefix(f"{part}."): value.float()
        for name, value in state.items()
        if name.startswith(f"{part}.")
    }
    module.load_state_dict(own)
    return module.eval()


def _build(
    work: Path,
    name: str,
    module: nn.Module,
    feeds: list[Feeds],
    *,
    outputs: tuple[str, ...],
    dynamic: dict[str, dict[int, str]],
    on: str,
) -> Result:
    exported = export_checked(
        name, module, work, outputs=outputs, dynamic=dynamic, feeds=feeds, on=on, limit=1e-4
    )
    model = entry(work, exported.file, exported.parity, tolerance=5e-3)
    return Result([exported.file], {name: model}, {name: (feeds[0], exported.model(feeds[0]))})


def _photo_feeds(work: Path) -> list[Feeds]:
    detector, backbone = OnnxModel(work / "detector.onnx"), OnnxModel(work / "backbone.onnx")
    feeds: list[Feeds] = []
    for picture in photos.photos()[:4]:
        found, seen = (
            detector({"image": detector_input(picture)[None]}),
            backbone({"image": backbone_input(picture)[None]}),
        )
        places = unit_places(detect(found["boxes"][0], found["scores"][0]))
        maps = {"backbone": seen["map"][0], "detector": found["map"][0]}
        feeds.append({**visual_inputs(places, maps, seen["features"][0], found["features"][0])})
    return feeds


def _graph_feeds(work: Path) -> list[Feeds]:
    tokenizer, encoder = Tokenizer(work / "tokenizer.json"), OnnxModel(work / TextVectors.MODEL)
    feeds: list[Feeds] = []
    for graph in _GRAPHS:
        text, spoken = told(graph)
        tokens = tokenizer.encode_batch([text])
        read = encoder({"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask})
        states = {name: np.asarray(read[name], dtype=np.float32) for name in ("tokens", "sentence")}
        feeds.append({**text_inputs(text_parts(text, spoken), tokens.spans[0]), **states})
    return feeds


def _unit_feeds() -> list[Feeds]:
    """Vectors of length 1 that any seed would do for."""
    rng = np.random.default_rng(0)
    feeds: list[Feeds] = []
    for texts, parts, images, units in ((1, 6, 5, 29), (3, 2, 1, 17)):
        vectors = [rng.standard_normal((*shape, 128)) for shape in ((texts, parts), (images, units))]
        text, visual = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in vectors)
        scene = [
            np.eye(1, size, size - 1).repeat(rows, axis=0) for rows, size in ((texts, parts), (images, units))
        ]
        feed = {
            "text": text, "weights": rng.random((texts, parts)) * 8 - 2, "text_scene": scene[0],
            "visual": visual,
            "present": np.ones((images, units)), "visual_scene": scene[1],
        }  # fmt: skip
        feeds.append({name: value.astype(np.float32) for name, value in feed.items()})
    return feeds
