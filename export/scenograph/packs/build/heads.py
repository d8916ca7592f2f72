"""Stages of the heads: small modules of this package, made from the text encoder's vectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from scenograph.nn.graph_encoder import GraphEncoder
from scenograph.nn.graph_matcher import GraphMatcher
from scenograph.nn.hash_head import HashHead
from scenograph.nn.image_head import ImageHead
from scenograph.nn.text_bank import TextBank
from scenograph.nn.text_head import TextHead
from scenograph.onnx.export import DynamicAxes
from scenograph.onnx.parity import Feeds, OnnxModel
from scenograph.packs.build import photos
from scenograph.packs.build.modelling import entry, export_checked
from scenograph.packs.build.sentences import SENTENCES
from scenograph.packs.build.stage import Result, Stage
from scenograph.packs.build.text import TextVectors, Vectors
from scenograph.packs.store import file_digest
from scenograph.prep import backbone_input, detector_input
from scenograph.scene.visual_detection import object_scores

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Head:
    """How one head is made and checked. `feeds` gives real inputs of different sizes."""

    name: str
    make: Callable[[TextBank], nn.Module]
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
            self.make(_bank(work, file_digest(work / TextVectors.MODEL))),
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


@cache
def _bank(work: Path, text_encoder_digest: str) -> TextBank:
    """The text vectors that all heads share; kept while the text encoder is the same."""
    vocabulary = json.loads((work / "vocabulary.json").read_text("utf-8"))
    return TextBank.build(TextVectors(work), vocabulary["class_synonyms"], vocabulary["objects"])


def _seen(work: Path, vectors: Vectors) -> list[Feeds]:
    """What the pack's own vision models see in the check photographs."""
    detector, backbone = OnnxModel(work / "detector.onnx"), OnnxModel(work / "backbone.onnx")
    pictures = photos.photos()
    probs = np.concatenate([backbone({"image": backbone_input(p)[None]})["probs"] for p in pictures])
    scores = np.stack(
        [object_scores(detector({"image": detector_input(p)[None]})["scores"][0]) for p in pictures]
    )
    return [{"class_probs": probs[i:j], "object_scores": scores[i:j]} for i, j in ((0, 3), (3, 4), (4, 7))]


def _said(name: str) -> Callable[[Path, Vectors], list[Feeds]]:
    """Vectors of check sentences under one input's name."""

    def feeds(work: Path, vectors: Vectors) -> list[Feeds]:
        said = vectors.array(SENTENCES[:10])
        return [{name: said[i:j]} for i, j in ((0, 3), (3, 4), (4, 10))]

    return feeds


def _graphs(work: Path, vectors: Vectors) -> list[Feeds]:
    """Three graphs, one without relations and one without weight; then a graph of one node."""
    nodes = vectors.array(["red sofa", "dog", "man", "horse", "cat", ""])
    edges = vectors.array(["on", "riding"])
    several: Feeds = {
        "nodes": nodes,
        "edge_index": np.array([[1, 2], [0, 3]]),
        "edges": edges,
        "batch": np.array([0, 0, 1, 1, 2, 3]),
        "node_weight": np.array([1, 0.9, 0.8, 0.7, 0.5, 0], dtype=np.float32),
    }
    single: Feeds = {
        "nodes": nodes[:1],
        "edge_index": np.zeros((2, 0), dtype=np.int64),
        "edges": edges[:0],
        "batch": np.array([0]),
        "node_weight": np.ones(1, dtype=np.float32),
    }
    return [several, single]


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
        make=ImageHead.from_bank,
        feeds=_seen,
        on="what the vision models see in the check photographs",
        outputs=("embedding",),
        dynamic=_sizes(class_probs=["batch"], object_scores=["batch"]),
    ),
    Head(
        name="text_head",
        make=TextHead.from_bank,
        feeds=_said("sentence"),
        on="check sentences",
        outputs=("embedding",),
        dynamic=_sizes(sentence=["batch"]),
    ),
    Head(
        name="hash_head",
        make=HashHead.from_bank,
        feeds=_said("embedding"),
        on="check sentences",
        outputs=("projections",),
        dynamic=_sizes(embedding=["batch"]),
    ),
    Head(
        name="graph_encoder",
        make=GraphEncoder.from_bank,
        feeds=_graphs,
        on="graphs of 0 to 2 relations",
        outputs=("embedding",),
        dynamic=_sizes(
            nodes=["nodes"],
            edge_index=[None, "edges"],
            edges=["edges"],
            batch=["nodes"],
            node_weight=["nodes"],
        ),
    ),
    Head(
        name="graph_matcher",
        make=lambda bank: GraphMatcher(),
        feeds=_matches,
        on="a query of 3 nodes against 4, and of 1 against 1 without attributes or relations",
        outputs=("label", "attribute", "predicate", "relation", "context"),
        dynamic=_MATCHER_AXES,
    ),
)
HEADS = tuple(
    Stage(head.name, f"Exporting {head.name.replace('_', ' ')}", 6, head.build) for head in HEAD_RECIPES
)
