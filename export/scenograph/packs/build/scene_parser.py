"""Stage of the neural scene-graph parser: its model, and the names that its answers stand for."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scenograph.nn.scene_parser import SceneParser
from scenograph.onnx.parity import Feeds, OnnxModel
from scenograph.packs.build.modelling import entry, export_checked
from scenograph.packs.build.sentences import SENTENCES
from scenograph.packs.build.stage import Result
from scenograph.packs.build.text import TextVectors
from scenograph.packs.build.trained import FOLDER, load_trained
from scenograph.prep import Tokenizer
from scenograph.scene.parsing.neural import OUTPUTS, feeds, read_sentences
from scenograph.scene.parsing.neural_names import Names

MODEL = "scene_parser"
NAMES = f"{MODEL}.json"
_AXES = {
    "lower": {0: "batch", 1: "pieces"},
    "attention_mask": {0: "batch", 1: "pieces"},
    "words": {0: "batch", 1: "words", 2: "pieces"},
}


def load_scene_parser(folder: Path = FOLDER) -> tuple[SceneParser, Names]:
    """The committed parser, ready for inference, and its names.  Errors: PackBuildFailed (missing)."""
    names = Names.load(folder / NAMES)
    return load_trained(SceneParser(len(names.forms)), MODEL, folder), names


def build_scene_parser(work: Path) -> Result:
    """scene_parser.onnx, and scene_parser.json: relations' forms and names."""
    parser, _ = load_scene_parser()
    inputs = [_feeds(work, texts) for texts in (SENTENCES[:3], SENTENCES[3:4], SENTENCES[4:12])]
    exported = export_checked(
        MODEL,
        parser,
        work,
        outputs=OUTPUTS,
        dynamic=_AXES,
        feeds=inputs,
        on="check sentences, in batches of 3, 1 and 8",
        limit=1e-3,  # logits of up to 30
    )
    shutil.copyfile(FOLDER / NAMES, work / NAMES)
    model = entry(work, exported.file, exported.parity, tolerance=0.05)
    golden = {MODEL: (inputs[0], exported.model(inputs[0]))}
    return Result([exported.file, NAMES], {MODEL: model}, golden)


def _feeds(work: Path, texts: Sequence[str]) -> Feeds:
    """What the parser sees of texts that the pack's own text encoder has read."""
    tokenizer = Tokenizer(work / "tokenizer.json")
    tokens = tokenizer.encode_batch(texts)
    encoder = OnnxModel(work / TextVectors.MODEL)
    lower = encoder({"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask})["lower"]
    return feeds(
        [
            sentence
            for text, spans, states in zip(texts, tokens.spans, lower, strict=True)
            for sentence in read_sentences(text, spans, np.asarray(states)[: len(spans)])
        ]
    )
