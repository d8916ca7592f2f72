"""Sentence vectors of a pack's text encoder, for every service that compares words."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenograph.prep import Tokenizer
from scenograph.runtime.batcher import Batcher
from scenograph.runtime.sessions import Sessions

FloatArray = NDArray[np.float32]

MODEL = "text_encoder"


class TextEncoder:
    """Texts -> vectors (n, D) of length 1, texts of concurrent calls in one run where they meet."""

    def __init__(
        self, sessions: Sessions, *, batch_rows: int = 16, batch_wait_s: float = 0.0, max_queue: int = 4096
    ) -> None:
        self._sessions = sessions
        self._tokenizer = Tokenizer(sessions.pack.path("tokenizer.json"))
        self._batcher = Batcher(
            self._run,
            sessions.executor,
            max_rows=batch_rows,
            wait_s=batch_wait_s,
            max_queue=max_queue,
            parallel=sessions.workers,
        )

    async def encode(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of texts.  Shapes: n texts, n >= 1 -> (n, D) float32.  Errors: QueueFull."""
        # Texts of like length run together: a batch is padded to its longest.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        rows = await self._batcher.submit([texts[place] for place in order])
        vectors = np.empty((len(texts), rows[0].shape[0]), dtype=np.float32)
        vectors[order] = np.stack(rows)
        return vectors

    def _run(self, texts: list[str]) -> list[FloatArray]:
        tokens = self._tokenizer.encode_batch(texts)
        feeds = {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
        return list(self._sessions.infer(MODEL, feeds)["sentence"])


class WordVectors:
    """Vectors of labels, attributes and relations: from the pack's table, memory, or the text encoder."""

    def __init__(self, encoder: TextEncoder, sessions: Sessions, *, remembered: int = 50_000) -> None:
        self._encoder = encoder
        with np.load(sessions.pack.path("label_vectors.npz"), allow_pickle=False) as table:
            names, vectors = table["names"].tolist(), np.asarray(table["vectors"], dtype=np.float32)
        self._table: dict[str, FloatArray] = {name: vectors[row] for row, name in enumerate(names)}
        self.size = int(vectors.shape[1])
        self._remembered = remembered
        self._memory: OrderedDict[str, FloatArray] = OrderedDict()
        self._lock = threading.Lock()

    async def of(self, words: Sequence[str]) -> FloatArray:
        """Vectors of words or short phrases.  Shapes: n words -> (n, D) float32 of length 1."""
        found = {word: vector for word in words if (vector := self._known(word)) is not None}
        missing = [word for word in dict.fromkeys(words) if word not in found]
        if missing:
            vectors = await self._encoder.encode(missing)
            found.update(zip(missing, vectors, strict=True))
            self._remember(missing, vectors)
        if not words:
            return np.zeros((0, self.size), dtype=np.float32)
        return np.stack([found[word] for word in words])

    def _known(self, word: str) -> FloatArray | None:
        vector = self._table.get(word)
        if vector is not None:
            return vector
        with self._lock:
            if word in self._memory:
                self._memory.move_to_end(word)
                return self._memory[word]
        return None

    def _remember(self, words: Sequence[str], vectors: FloatArray) -> None:
        with self._lock:
            for word, vector in zip(words, vectors, strict=True):
                self._memory[word] = vector.copy()
            while len(self._memory) > self._remembered:
                self._memory.popitem(last=False)
