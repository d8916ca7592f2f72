"""Photographs unlike those of the training are found by the names of what they show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support import data_folder, sample_photo

from scenograph.onnx.parity import OnnxModel
from scenograph.packs import Pack
from scenograph.prep import Tokenizer, backbone_input, decode_image, detector_input
from scenograph.scene.visual_detection import object_scores
from scenograph.scene.vocabulary.tables import read_coco

pytestmark = pytest.mark.pack

Vectors = NDArray[Any]
SAID = {
    "coffee.png": "a cup of coffee",
    "chelsea.png": "a cat",
    "motorcycle_left.png": "a motorcycle",
    "rocket.jpg": "a rocket",
    "coins.png": "a pile of coins",
    "brick.png": "a wall of bricks",
}


def seen(pack: Pack, files: Sequence[Path]) -> Vectors:
    """The embeddings of photographs.  Shape: (n, D)."""
    detector, backbone, head = (
        OnnxModel(pack.model_path(name), threads=2) for name in ("detector", "backbone", "image_head")
    )
    rows = []
    for file in files:
        photo = decode_image(file.read_bytes())
        found = detector({"image": detector_input(photo)[None]})
        told = backbone({"image": backbone_input(photo)[None]})
        feeds = {
            "class_probs": told["probs"],
            "object_scores": object_scores(found["scores"][0])[None],
            "features": told["features"],
            "detector_features": found["features"],
        }
        rows.append(head(feeds)["embedding"][0])
    return np.stack(rows)


def said(pack: Pack, texts: Sequence[str]) -> Vectors:
    """The embeddings of sentences.  Shape: (n, D)."""
    encoder, head = (OnnxModel(pack.model_path(name)) for name in ("text_encoder", "text_head"))
    tokenizer, rows = Tokenizer(pack.path("tokenizer.json")), []
    for text in texts:
        tokens = tokenizer.encode_batch([text])
        states = encoder({"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask})
        feeds = {name: states[name] for name in ("tokens", "middle")}
        rows.append(head({**feeds, "attention_mask": tokens.attention_mask})["embedding"][0])
    return np.stack(rows)


def average_precisions(scores: Vectors, right: NDArray[np.bool_]) -> float:
    """Mean over queries.  Shapes: (queries, items) each."""
    found = []
    for row, hits in zip(scores, right, strict=True):
        ranked = hits[np.argsort(-row, kind="stable")]
        found.append((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())
    return float(np.mean(found))


def test_plain_sentences_find_their_photograph_first(default_pack: Pack) -> None:
    images = seen(default_pack, [sample_photo(name) for name in SAID])
    texts = said(default_pack, list(SAID.values()))
    best = (texts @ images.T).argmax(axis=1)
    found = {name: list(SAID)[place] for name, place in zip(SAID, best, strict=True)}
    assert found == {name: name for name in SAID}


@pytest.mark.data
def test_classes_of_coco_are_found_by_name(default_pack: Pack) -> None:
    folder = data_folder("coco128")
    files = sorted((folder / "images").rglob("*.jpg"))
    labels = {path.stem: path for path in (folder / "labels").rglob("*.txt")}
    shown = np.zeros((80, len(files)), dtype=bool)
    for place, file in enumerate(files):
        if file.stem in labels:
            shown[np.loadtxt(labels[file.stem], ndmin=2)[:, 0].astype(int), place] = True
    classes = np.flatnonzero(shown.any(axis=1))
    names = read_coco()
    images, texts = seen(default_pack, files), said(default_pack, [f"a {names[place]}" for place in classes])
    whole = average_precisions(texts @ images.T, shown[classes])
    by_level = {
        level.name: average_precisions(
            texts[:, level.start : level.stop] @ images[:, level.start : level.stop].T, shown[classes]
        )
        for level in default_pack.manifest.levels
    }
    told = ", ".join(f"{name} {100 * value:.1f}" for name, value in by_level.items())
    print(f"mAP of {len(classes)} classes over {len(files)} photographs: {100 * whole:.1f}; {told}")
    chance = shown[classes].mean()
    assert by_level["label"] > max(value for name, value in by_level.items() if name != "label") > chance
    assert whole > 0.4
