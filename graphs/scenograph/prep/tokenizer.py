"""Sentences to token ids, as the text encoder takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer as _Tokenizer

MAX_TOKENS = 256

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A batch of tokenised texts, padded to its longest: `input_ids` and `attention_mask` (B, T) int64.

    `truncated[i]` tells that text i was longer than the limit and lost its end. `spans[i]` are the code
    points [start, end) of text i that each of its tokens stands for; a special token's are empty.
    """

    input_ids: Ids
    attention_mask: Ids
    truncated: tuple[bool, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...] = ()


class Tokenizer:
    """A pack's `tokenizer.json`. Safe to call from several threads."""

    def __init__(self, path: Path, *, max_tokens: int = MAX_TOKENS) -> None:
        self._tokenizer = _Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        self._pad = self._tokenizer.token_to_id("[PAD]") or 0

    def encode_batch(self, texts: Sequence[str]) -> Tokens:
        """Tokenise texts, each cut at `max_tokens`.  Shapes: B texts -> ids and mask (B, T)."""
        encodings = self._tokenizer.encode_batch(list(texts))
        longest = max((len(encoding.ids) for encoding in encodings), default=0)
        input_ids = np.full((len(encodings), longest), self._pad, dtype=np.int64)
        attention_mask = np.zeros((len(encodings), longest), dtype=np.int64)
        for row, encoding in enumerate(encodings):
            input_ids[row, : len(encoding.ids)] = encoding.ids
            attention_mask[row, : len(encoding.ids)] = 1
        return Tokens(
            input_ids,
            attention_mask,
            tuple(bool(encoding.overflowing) for encoding in encodings),
            tuple(tuple(encoding.offsets) for encoding in encodings),
        )

    def count(self, text: str) -> int:
        """Number of tokens of one text, special tokens included, capped at `max_tokens`."""
        return len(self._tokenizer.encode(text).ids)
