"""Mends misspelt names: a word that nobody knows and that is one slip of the pen from a name."""

from __future__ import annotations

import string
from collections.abc import Iterator
from functools import lru_cache

from scenograph.scene.vocabulary import Vocabulary
from scenograph.scene.vocabulary.inflect import singulars

SHORTEST = 5
"""Letters; from shorter words too many others are but a letter away."""


class Spelling:
    """Objects and attributes of the vocabulary, as what a misspelt word may mean."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.mend = lru_cache(maxsize=4096)(self._mend)

    def _mend(self, word: str) -> str:
        """The one name that swapping two letters makes of an unknown word, else the one that dropping or
        adding a letter does; the word itself where there is none, or more than one. The first letter stays.

        Another letter in the place of one makes too many names of words that are only rare (grout: group).
        """
        if len(word) < SHORTEST or not (word.isascii() and word.isalpha()) or self._known(word):
            return word
        for slips in (_swapped(word), _dropped_or_added(word)):
            meant = {each for each in slips if self._known(each)}
            if meant:
                return meant.pop() if len(meant) == 1 else word
        return word

    def _known(self, word: str) -> bool:
        known = self._vocabulary
        return (
            known.listed(word)
            or known.is_attribute(word)
            or any(known.listed(one) for one in singulars(word))
        )


def _swapped(word: str) -> Iterator[str]:
    for at in range(1, len(word) - 1):
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _dropped_or_added(word: str) -> Iterator[str]:
    for at in range(1, len(word) + 1):
        yield word[:at] + word[at + 1 :]
        for letter in string.ascii_lowercase:
            yield word[:at] + letter + word[at:]
