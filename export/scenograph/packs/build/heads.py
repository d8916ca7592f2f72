"""Stages of the heads: small modules, trained here or made by hand, on what the encoders give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from scenograph.nn.graph_matcher import GraphMatcher
from scenograph.nn.hash_head import HashHead
from scenograph.nn.image_head import ImageHead
from scenograph.nn.text_head import TextHead
from scenograph.onnx.export import DynamicAxes
from scenograph.onnx.parity import Feeds, OnnxModel
from scenograph.packs.build import photos
from scenograph.packs.build.levels import WEIGHTS
from scenograph.packs.build.modelling import entry, export_checked
from scenograph.packs.build.sentences import SENTENCES
from scenograph.packs.build.stage import Result, Stage
from scenograph.packs.build.text import TextVectors, Vectors
from scenograph.packs.build.trained import load_trained
from scenograph.prep import Tokenizer, backbone_input, detector_input
from scenograph.scene.visual_detection import object_scores

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Head:
    """How one head is made and checked. `feeds` gives real inputs of different sizes."""

    name: str
    make: Callable[[], nn.Module]
    feeds: Callable[[Path, Vectors], Sequence[Feeds]]
    on: str
    outputs: Sequence[str]
    dynamic: DynamicAxes
    limit: float = 1e-5

    def build(self, work: Path) -> Result:
        """Export the head and check it against torch."""
        vectors = TextVectors(work)
        feeds = self.feeds(work, vectors)
        exported = export_checked(
            self.name,
            self.make(),
            work,
            outputs=self.outputs,
            dynamic=self.dynamic,
            feeds=feeds,
            on=self.on,
            limit=self.limit,
        )
        model = entry(work, exported.file, exported.parity, tolerance=1e-3)
        golden = {self.name: (feeds[0], exported.model(feeds[0]))}
        return Result([exported.file], {self.name: model}, golden)


def _seen(work: Path, vectors: Vectors) -> list[Feeds]:
    """What the pack's own vision models see in the check photographs."""
    detector, backbone = OnnxModel(work / "detector.onnx"), OnnxModel(work / "backbone.onnx")
    pictures = photos.photos()
    saw = [backbone({"image": backbone_input(picture)[None]}) for picture in pictures]
    found = [detector({"image": detector_input(picture)[None]}) for picture in pictures]
    every = {
        "class_probs": np.concatenate([answer["probs"] for answer in saw]),
        "object_scores": np.stack([object_scores(answer["scores"][0]) for answer in found]),
        "features": np.concatenate([answer["features"] for answer in saw]),
        "detector_features": np.concatenate([answer["features"] for answer in found]),
    }
    return [{name: rows[i:j] for name, rows in every.items()} for i, j in ((0, 3), (3, 4), (4, 7))]


def _read(work: Path, vectors: Vectors) -> list[Feeds]:
    """What the pack's own text encoder says of check sentences."""
    encoder, tokenizer = OnnxModel(work / "text_encoder.onnx"), Tokenizer(work / "tokenizer.json")
    every: list[Feeds] = []
    for i, j in ((0, 3), (3, 4), (4, 10)):
        tokens = tokenizer.encode_batch(SENTENCES[i:j])
        asked = {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
        told = encoder(asked)
        every.append(
            {name: told[name] for name in ("tokens", "middle")} | {"attention_mask": asked["attention_mask"]}
        )
    return every


def _embedded(work: Path, vectors: Vectors) -> list[Feeds]:
    """The pack's own embeddings of check sentences."""
    head = OnnxModel(work / "text_head.onnx")
    return [{"embedding": head(feeds)["embedding"]} for feeds in _read(work, vectors)]


def _matches(work: Path, vectors: Vectors) -> list[Feeds]:
    """A red sofa with a dog on it against two candidate graphs; then one node against one, nothing else."""

    def nan(*shape: int) -> Array:
        return np.full(shape, np.nan, dtype=np.float32)

    query = vectors.array(["dog", "sofa", "man"])
    candidate = vectors.array(["puppy", "couch", "horse", "person"])
    known = nan(3, 4)
    known[0, 0] = known[1, 1] = 1.0
    rich: Feeds = {
        "query_nodes": query,
        "candidate_nodes": candidate,
        "node_prior": known,
        "query_attributes": vectors.array(["red", "small"]),
        "candidate_attributes": vectors.array(["brown", "crimson", "large"]),
        "candidate_attribute_node": np.array([0, 1, 2]),
        "attribute_prior": nan(2, 3),
        "query_edges": vectors.array(["on", "next to"]),
        "query_edge_index": np.array([[0, 2], [1, 1]]),
        "candidate_edges": vectors.array(["on", "riding"]),
        "candidate_edge_index": np.array([[0, 3], [1, 2]]),
        "edge_prior": nan(2, 2),
    }
    none, ends = np.zeros((0, query.shape[1]), dtype=np.float32), np.zeros((2, 0), dtype=np.int64)
    poor: Feeds = {
        **{"query_nodes": query[:1], "candidate_nodes": candidate[:1], "node_prior": nan(1, 1)},
        **{"query_attributes": none, "candidate_attributes": none, "attribute_prior": nan(0, 0)},
        **{"candidate_attribute_node": np.zeros(0, dtype=np.int64), "edge_prior": nan(0, 0)},
        **{
            "query_edges": none,
            "query_edge_index": ends,
            "candidate_edges": none,
            "candidate_edge_index": ends,
        },
    }
    return [rich, poor]


def _sizes(**axes: Sequence[str | None]) -> DynamicAxes:
    """Dynamic axes by input; None stands for a fixed one."""
    return {name: {axis: size for axis, size in enumerate(names) if size} for name, names in axes.items()}


_MATCHER_AXES: Mapping[str, Mapping[int, str]] = _sizes(
    query_nodes=["query_nodes"],
    candidate_nodes=["candidate_nodes"],
    node_prior=["query_nodes", "candidate_nodes"],
    query_attributes=["query_attributes"],
    candidate_attributes=["candidate_attributes"],
    candidate_attribute_node=["candidate_attributes"],
    attribute_prior=["query_attributes", "candidate_attributes"],
    query_edges=["query_edges"],
    query_edge_index=[None, "query_edges"],
    candidate_edges=["candidate_edges"],
    candidate_edge_index=[None, "candidate_edges"],
    edge_prior=["query_edges", "candidate_edges"],
)

HEAD_RECIPES = (
    Head(
        name="image_head",
        make=lambda: load_trained(ImageHead(weights=WEIGHTS), "image_head"),
        feeds=_seen,
        on="what the vision models see in the check photographs",
        outputs=("embedding",),
        dynamic=_sizes(
            class_probs=["batch"], object_scores=["batch"], features=["batch"], detector_features=["batch"]
        ),
    ),
    Head(
        name="text_head",
        make=lambda: load_trained(TextHead(weights=WEIGHTS), "text_head"),
        feeds=_read,
        on="what the text encoder says of check sentences",
        outputs=("embedding",),
        dynamic=_sizes(
            tokens=["batch", "tokens"], middle=["batch", "tokens"], attention_mask=["batch", "tokens"]
        ),
    ),
    Head(
        name="hash_head",
        make=lambda: load_trained(HashHead(), "hash_head"),
        feeds=_embedded,
        on="embeddings of check sentences",
        outputs=("projections",),
        dynamic=_sizes(embedding=["batch"]),
        limit=1e-4,
    ),
    Head(
        name="graph_matcher",
        make=GraphMatcher,
        feeds=_matches,
        on="a query of 3 nodes against 4, and of 1 against 1 without attributes or relations",
        outputs=("label", "attribute", "predicate", "relation", "context"),
        dynamic=_MATCHER_AXES,
    ),
)
HEADS = tuple(
    Stage(head.name, f"Exporting {head.name.replace('_', ' ')}", 6, head.build) for head in HEAD_RECIPES
)
