"""Words of a sentence as the neural parser counts them, and the word pieces that make each up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_WORDS = 64
"""Words read at once; a longer sentence is read in parts."""

# Clitics, numbers with their marks, words with their hyphens; any other sign alone.
_WORD = re.compile(r"['’](?:s|t|re|ll|ve|d|m)\b|\d+(?:[.,:/]\d+)*\w*|[^\W_]+(?:-[^\W_]+)*|\S")
_ENDS = frozenset(".!?;")


@dataclass(frozen=True, slots=True)
class Token:
    """A word in lower case; it stands at the code points [start, end) of the text."""

    text: str
    start: int
    end: int


def split_words(text: str) -> list[Token]:
    """The words and signs of a text, in order."""
    return [Token(found.group().lower(), found.start(), found.end()) for found in _WORD.finditer(text)]


def split_sentences(words: Sequence[Token]) -> list[list[Token]]:
    """The words of each sentence; one of more than MAX_WORDS is cut."""
    sentences: list[list[Token]] = [[]]
    for word in words:
        if len(sentences[-1]) >= MAX_WORDS:
            sentences.append([])
        sentences[-1].append(word)
        if word.text in _ENDS:
            sentences.append([])
    return [sentence for sentence in sentences if any(word.text not in _ENDS for word in sentence)]


def piece_weights(words: Sequence[Token], spans: Sequence[tuple[int, int]]) -> npt.NDArray[np.float32]:
    """How words are made of word pieces: 1 / (pieces of the word) at each of them.

    `spans` are the code points of each piece of the text; a special token's is empty. A word that the text
    encoder no longer read has a row of zeros.  Shapes: W words, T pieces -> (W, T).
    """
    weights = np.zeros((len(words), len(spans)), dtype=np.float32)
    place = 0
    for column, (start, end) in enumerate(spans):
        while place < len(words) and words[place].end <= start:
            place += 1
        if end > start and place < len(words) and words[place].start < end:
            weights[place, column] = 1.0
    total = weights.sum(axis=1, keepdims=True)
    result: npt.NDArray[np.float32] = weights / np.maximum(total, 1.0)
    return result
