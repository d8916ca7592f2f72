"""Stages of the text models: the sentence encoder with its tokeniser, and the parser."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from scenograph.nn.text_encoder import load_text_encoder
from scenograph.onnx.parity import Feeds, OnnxModel, torch_parity
from scenograph.onnx.quantize import Agreement, agreement, quantize_weights
from scenograph.packs.build.modelling import entry, export_checked
from scenograph.packs.build.sentences import SENTENCES
from scenograph.packs.build.sources import PARSER, TEXT_ENCODER
from scenograph.packs.build.stage import Result, check
from scenograph.packs.manifest import Parity
from scenograph.prep import Tokenizer

# The int8 encoder is kept where it means the same as the fp32 one over the check sentences, and where the
# vector of a sentence does not depend on the sentences it is encoded with.
_MIN_COSINE, _MIN_NEIGHBOURS, _MAX_BATCH_EFFECT = 0.999, 0.95, 1e-5
_BATCH = 32
STATES = ("tokens", "lower", "middle")  # the encoder's outputs that heads read besides the sentence
_GOLDEN = ("a dog on a red sofa", "no cat", "Two men are riding horses along the beach at sunset.")


def build_tokenizer(work: Path) -> Result:
    """tokenizer.json, as it is."""
    shutil.copyfile(TEXT_ENCODER.file("tokenizer"), work / "tokenizer.json")
    return Result(["tokenizer.json"])


def build_text_encoder(work: Path) -> Result:
    """text_encoder.onnx: int8 where that keeps its meaning, else fp32."""
    tokenizer = Tokenizer(work / "tokenizer.json")
    module = load_text_encoder(TEXT_ENCODER.file("weights"))
    on = "sentences of 2 to 256 tokens, in batches of 3, 1 and 9"
    batches = (SENTENCES[:3], SENTENCES[:1], [*SENTENCES[3:10], "", " ".join(SENTENCES)])
    inputs = [_feeds(tokenizer, batch) for batch in batches]
    exported = export_checked(
        "text_encoder",
        module,
        work,
        outputs=("sentence", *STATES),
        dynamic={name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask")},
        feeds=inputs,
        on=on,
        limit=1e-4,  # states have values up to 10
    )
    error = torch_parity(module, exported.model, inputs, only=["sentence"])
    sentence = check("text_encoder", Parity("torch", f"{on}; the sentence alone", error, 1e-5))
    full, small = work / exported.file, work / "text_encoder.int8.onnx"
    quantize_weights(full, small)
    variant = OnnxModel(small)
    vectors = _alone(variant, tokenizer)
    kept = agreement(_alone(exported.model, tokenizer), vectors)
    together = variant(_feeds(tokenizer, SENTENCES))["sentence"]
    states = _state_cosines(exported.model, variant, inputs[0])
    int8 = (
        _keeps_meaning(kept, float(np.abs(together - vectors).max())) and min(states.values()) >= _MIN_COSINE
    )
    if int8:
        small.replace(full)
    else:
        small.unlink()
    model = entry(
        work,
        exported.file,
        [*exported.parity, sentence],
        variant="int8" if int8 else "fp32",
        tolerance=0.02 if int8 else 1e-3,
        tolerances=dict.fromkeys(STATES, 0.5 if int8 else 1e-2),
        measured={
            **{f"int8_{name}": value for name, value in asdict(kept).items()},
            **{f"int8_{name}_cosine": value for name, value in states.items()},
        },
    )
    feeds = _feeds(tokenizer, _GOLDEN)
    return Result([exported.file], {"text_encoder": model}, {"text_encoder": (feeds, OnnxModel(full)(feeds))})


def build_parser(work: Path) -> Result:
    """parser/: the spaCy model's folder, as it is."""
    source = PARSER.file("description").parent
    target = work / "parser"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    return Result([path.relative_to(work).as_posix() for path in sorted(target.rglob("*")) if path.is_file()])


class Vectors(Protocol):
    """Texts to unit vectors."""

    def array(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Shapes: n texts -> (n, 384)."""


class TextVectors:
    """The pack's own text encoder: texts to unit vectors (n, 384)."""

    MODEL = "text_encoder.onnx"

    def __init__(self, work: Path) -> None:
        self._tokenizer = Tokenizer(work / "tokenizer.json")
        self._model = OnnxModel(work / self.MODEL)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        return torch.from_numpy(self.array(texts))

    def array(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The same as a numpy array. Texts of one length run together, so that none is padded."""
        places = defaultdict(list)
        for place, text in enumerate(texts):
            places[self._tokenizer.count(text)].append(place)
        vectors = np.empty((len(texts), 384), dtype=np.float32)
        for group in places.values():
            for start in range(0, len(group), _BATCH):
                batch = group[start : start + _BATCH]
                feeds = _feeds(self._tokenizer, [texts[place] for place in batch])
                vectors[batch] = self._model(feeds)["sentence"]
        return vectors


def _feeds(tokenizer: Tokenizer, texts: Sequence[str]) -> Feeds:
    tokens = tokenizer.encode_batch(texts)
    return {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}


def _alone(model: OnnxModel, tokenizer: Tokenizer) -> npt.NDArray[np.float32]:
    """Vectors of the check sentences, each encoded on its own."""
    return np.concatenate([model(_feeds(tokenizer, [text]))["sentence"] for text in SENTENCES])


def _state_cosines(model: OnnxModel, variant: OnnxModel, feeds: Feeds) -> dict[str, float]:
    """Mean cosine between the tokens' states by both, of each kind of state."""
    seen = feeds["attention_mask"].astype(bool)
    ours, theirs = model(feeds), variant(feeds)
    found = {}
    for name in STATES:
        one, other = ours[name][seen], theirs[name][seen]
        sizes = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        found[name] = float(((one * other).sum(axis=1) / sizes).mean())
    return found


def _keeps_meaning(kept: Agreement, batch_effect: float) -> bool:
    return (
        kept.mean_cosine >= _MIN_COSINE
        and kept.neighbours >= _MIN_NEIGHBOURS
        and batch_effect <= _MAX_BATCH_EFFECT
    )
