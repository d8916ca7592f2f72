"""Pronouns that a change of persons would leave wrong."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.data.compositional.sentence import Sentence
from scenograph.scene.vocabulary import Vocabulary

_PRONOUNS = frozenset(
    ("he", "him", "his", "himself", "she", "her", "hers", "herself", "it", "its", "itself", "they", "their")
)


def gendered(sentence: Sentence, labels: Sequence[str]) -> bool:
    """Whether the caption has a pronoun and a change among these nouns may leave it wrong."""
    if not any(word.text in _PRONOUNS for word in sentence.words):
        return False
    return len({_gender(label) for label in labels}) > 1


def _gender(label: str) -> str:
    words = Vocabulary.load()
    for gender in ("man", "boy", "woman", "girl"):
        if words.is_a(label, gender):
            return "he" if gender in ("man", "boy") else "she"
    if words.is_a(label, "person"):
        return "they"
    return "it"
