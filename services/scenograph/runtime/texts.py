"""One pass of a pack's text encoder for all that reads a sentence, and vectors of words."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.prep import Tokenizer
from scenograph.runtime.batcher import Batcher
from scenograph.runtime.passes import SharedPasses
from scenograph.runtime.sessions import Sessions

FloatArray = NDArray[np.float32]

MODEL = "text_encoder"


STATES = ("tokens", "lower", "middle")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """All that one pass of the text encoder gives of one text of T tokens, special ones included.

    sentence (D,) float32 of length 1; states: "tokens", "lower" and "middle" (T, D) float32, as far as the
    pack's encoder gives them; ids (T,) int64; spans: the code points [start, end) that each token stands
    for, empty for special ones.
    """

    sentence: FloatArray
    states: Mapping[str, FloatArray]
    ids: NDArray[np.int64]
    spans: tuple[tuple[int, int], ...]


class TextEncoder:
    """Runs the text encoder, texts of concurrent calls in one run where they meet.

    The last `remembered` readings are kept, and calls for one text at the same time share its pass, so that
    a sentence is read once however many services of this process look at it.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        batch_rows: int = 16,
        batch_wait_s: float = 0.0,
        max_queue: int = 4096,
        remembered: int = 256,
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
            size=len,
            name=MODEL,
            metrics=sessions.metrics,
        )
        self._shared: SharedPasses[str, Reading] = SharedPasses(self._batcher.submit, remembered)

    async def encode(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of texts.  Shapes: n texts, n >= 1 -> (n, D) float32.  Errors: QueueFull."""
        return np.stack([reading.sentence for reading in await self._batcher.submit(texts)])

    async def read(self, texts: Sequence[str]) -> list[Reading]:
        """The reading of each text, in order.  Errors: QueueFull."""
        return await self._shared.get(texts)

    def _run(self, texts: list[str]) -> list[Reading]:
        tokens = self._tokenizer.encode_batch(texts)
        feeds = {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
        answer = self._sessions.infer(MODEL, feeds)
        lengths = tokens.attention_mask.sum(axis=1).tolist()
        return [
            Reading(
                answer["sentence"][row].copy(),
                {name: answer[name][row, :length].copy() for name in STATES if name in answer},
                tokens.input_ids[row, :length].copy(),
                spans,
            )
            for row, (length, spans) in enumerate(zip(lengths, tokens.spans, strict=True))
        ]


def reading_feeds(readings: Sequence[Reading], names: Collection[str]) -> dict[str, NDArray[Any]]:
    """Those of a head's inputs that readings give: "sentence" (B, D); "tokens", "lower" and "middle" (B, T,
    D), zeros past a text's end; "input_ids" and "attention_mask" (B, T) int64. T is the longest text's.
    """
    longest = max((len(reading.ids) for reading in readings), default=0)
    feeds: dict[str, NDArray[Any]] = {}
    if "sentence" in names:
        feeds["sentence"] = np.stack([reading.sentence for reading in readings])
    for name in STATES:
        if name in names:
            feeds[name] = np.zeros((len(readings), longest, len(readings[0].sentence)), dtype=np.float32)
            for row, reading in enumerate(readings):
                feeds[name][row, : len(reading.ids)] = reading.states[name]
    for name in ("input_ids", "attention_mask"):
        if name in names:
            feeds[name] = np.zeros((len(readings), longest), dtype=np.int64)
            for row, reading in enumerate(readings):
                feeds[name][row, : len(reading.ids)] = reading.ids if name == "input_ids" else 1
    return feeds


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
        return np.concatenate([found[word] for word in words]).reshape(len(words), self.size)

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
