"""A pack's models in a bare ONNX Runtime loop: what there is without a server around them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scenograph.packs import Pack
from scenograph.prep import Tokenizer, backbone_input, decode_reduced, detector_input
from scenograph.runtime.contracts import FloatArray
from scenograph.runtime.sessions import open_session
from scenograph.runtime.vision import DECODED_SIDE
from scenograph.scene.visual_detection import object_scores

T = TypeVar("T")
MODELS = ("detector", "backbone", "image_head", "text_encoder", "text_head", "hash_head")


class Bare:
    """Sessions of `threads` ONNX Runtime threads each; they may be run from several threads."""

    def __init__(self, pack: Pack, *, threads: int = 1) -> None:
        self._sessions = {name: open_session(pack.model_path(name), threads=threads) for name in MODELS}
        self._tokenizer = Tokenizer(pack.path("tokenizer.json"))

    def run(self, name: str, feeds: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """A model's outputs by name, of those of `feeds` that it takes."""
        session = self._sessions[name]
        wanted = {put.name for put in session.get_inputs()}
        names = [put.name for put in session.get_outputs()]
        values = session.run(names, {key: value for key, value in feeds.items() if key in wanted})
        return dict(zip(names, values, strict=True))

    def images(self, files: Sequence[bytes]) -> FloatArray:
        """Embeddings of images, from their files on.  Shapes: B files -> (B, D)."""
        pixels = [decode_reduced(data, DECODED_SIDE)[0] for data in files]
        detected = self.run("detector", {"image": np.stack([detector_input(each) for each in pixels])})
        seen = self.run("backbone", {"image": np.stack([backbone_input(each) for each in pixels])})
        heads = {
            "class_probs": seen["probs"],
            "object_scores": np.stack([object_scores(scores) for scores in detected["scores"]]),
            "features": seen["features"],
        }
        if "features" in detected:
            heads["detector_features"] = detected["features"]
        embeddings: FloatArray = self.run("image_head", heads)["embedding"]
        return embeddings

    def texts(self, texts: Sequence[str]) -> FloatArray:
        """Embeddings of texts: tokenised, read, embedded.  Shapes: B texts -> (B, D)."""
        tokens = self._tokenizer.encode_batch(texts)
        feeds = {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
        read = self.run("text_encoder", feeds)
        embeddings: FloatArray = self.run("text_head", feeds | read)["embedding"]
        return embeddings

    def projections(self, embeddings: FloatArray) -> FloatArray:
        """What the codes of embeddings are the signs of.  Shapes: (B, D) -> (B, bits)."""
        projections: FloatArray = self.run("hash_head", {"embedding": embeddings})["projections"]
        return projections


def batches(parts: Sequence[T], size: int) -> list[Sequence[T]]:
    """The parts in batches of one size; what is over is left out."""
    return [parts[first : first + size] for first in range(0, len(parts) - size + 1, size)]


def rate_for(
    work: Callable[[Sequence[T]], object], parts: Sequence[Sequence[T]], threads: int, seconds: float
) -> float:
    """Parts of batches a second, with so many threads for so long, each going through the batches in turn."""
    began = time.perf_counter()
    end = began + seconds

    def go(place: int) -> int:
        done = 0
        while time.perf_counter() < end:
            batch = parts[place % len(parts)]
            work(batch)
            done += len(batch)
            place += threads
        return done

    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(go, range(threads)))
    return done / (time.perf_counter() - began)
