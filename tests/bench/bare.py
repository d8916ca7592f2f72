"""The default pack's models in a bare ONNX Runtime loop: what there is without a server around them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from scenograph.packs import Pack
from scenograph.prep import Tokenizer, backbone_input, decode_image, detector_input

Feeds = dict[str, NDArray[Any]]


class Bare:
    """Sessions of one thread each, as a server's."""

    def __init__(self, pack: Pack) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._sessions = {
            name: ort.InferenceSession(pack.model_path(name), options, providers=["CPUExecutionProvider"])
            for name in ("detector", "backbone", "image_head", "text_encoder", "text_head", "hash_head")
        }
        self._tokenizer = Tokenizer(pack.path("tokenizer.json"))

    def run(self, name: str, feeds: Feeds) -> list[NDArray[Any]]:
        session = self._sessions[name]
        wanted = {put.name for put in session.get_inputs()}
        answer: list[NDArray[Any]] = session.run(None, {k: v for k, v in feeds.items() if k in wanted})
        return answer

    def image(self, data: bytes) -> None:
        """Decode, detect, classify, embed, hash."""
        pixels = decode_image(data)
        _, scores = self.run("detector", {"image": detector_input(pixels)[None]})
        probabilities, features, _ = self.run("backbone", {"image": backbone_input(pixels)[None]})
        heads = {"class_probs": probabilities, "object_scores": scores.max(axis=1), "features": features}
        (embedding,) = self.run("image_head", heads)
        self.run("hash_head", {"embedding": embedding})

    def text(self, sentence: str) -> None:
        """Tokenise, encode, embed, hash."""
        tokens = self._tokenizer.encode_batch([sentence])
        (vector,) = self.run(
            "text_encoder", {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
        )
        (embedding,) = self.run("text_head", {"sentence": vector})
        self.run("hash_head", {"embedding": embedding})


def rate(work: Callable[[Any], object], parts: Sequence[Any], threads: int) -> float:
    """Parts a second, with so many threads."""
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        list(pool.map(work, parts))
        return len(parts) / (time.perf_counter() - began)


def latencies(work: Callable[[Any], object], parts: Sequence[Any]) -> NDArray[np.float64]:
    """Milliseconds of each part, one after another."""
    took = []
    for part in parts:
        began = time.perf_counter()
        work(part)
        took.append((time.perf_counter() - began) * 1e3)
    return np.array(took)
