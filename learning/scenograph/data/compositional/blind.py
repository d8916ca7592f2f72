"""A judge that never sees the photograph: how usual a sentence is, by the word triples of other captions.

Where it prefers the true captions too, a set of negatives can be solved without looking (Hsieh et al. 2023).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_START, _END = "<s>", "</s>"
WEIGHTS = (0.6, 0.3, 0.1)  # of the triple's, the pair's and the word's estimate


class Blind:
    """An interpolated trigram model of captions (Jelinek and Mercer 1980)."""

    def __init__(self, captions: Iterable[str]) -> None:
        self._counts: tuple[Counter[tuple[str, ...]], ...] = (Counter(), Counter(), Counter())
        self._contexts: tuple[Counter[tuple[str, ...]], ...] = (Counter(), Counter(), Counter())
        for caption in captions:
            words = _words(caption)
            for place in range(2, len(words)):
                for size, (counts, contexts) in enumerate(zip(self._counts, self._contexts, strict=True)):
                    gram = tuple(words[place - size : place + 1])
                    counts[gram] += 1
                    contexts[gram[:-1]] += 1

    def score(self, sentence: str) -> float:
        """Mean log probability of a word of the sentence, its end among them."""
        words = _words(sentence)
        return sum(self._log(words, place) for place in range(2, len(words))) / (len(words) - 2)

    def _log(self, words: list[str], place: int) -> float:
        total = 0.0
        for size, weight in zip((2, 1, 0), WEIGHTS, strict=True):
            gram = tuple(words[place - size : place + 1])
            add = 1 if size == 0 else 0  # a word never met has a little of the singles' mass
            below = self._contexts[size][gram[:-1]] + add * (len(self._counts[0]) + 1)
            total += weight * (self._counts[size][gram] + add) / below if below else 0.0
        return math.log(total)


def _words(sentence: str) -> list[str]:
    return [_START, _START, *_WORD.findall(sentence.lower()), _END]
