"""Names of several words, "fire hydrant" or "hot air balloon", joined before parsing.

The parser then sees their last word alone, which it can hardly take for anything but a noun.
"""

from __future__ import annotations

from dataclasses import dataclass

from scenograph.scene.parsing.words import ACTIONS
from scenograph.scene.vocabulary import Vocabulary

MAX_WORDS = 4
# Words that a listed name may not hold here: they are read by the rules.
LOOSE = frozenset(
    {"a", "an", "the", "some", "his", "her", "their", "its", "this", "that", "very", "really", "of"}
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word as the parser shall see it, the code points [start, end) it stands for, the rest of its name."""

    text: str
    start: int
    end: int
    prefix: str = ""


def join_names(words: list[Word], vocabulary: Vocabulary) -> list[Word]:
    """The words with each listed name as one."""
    joined: list[Word] = []
    index = 0
    while index < len(words):
        runs = (words[index : index + size] for size in range(MAX_WORDS, 1, -1))
        size = next((len(run) for run in runs if _is_name(run, vocabulary)), 1)
        last = words[index + size - 1]
        if size > 1:
            prefix = _spell(words[index : index + size - 1])
            last = Word(last.text, words[index].start, last.end, prefix)
        joined.append(last)
        index += size
    return joined


def _spell(words: list[Word]) -> str:
    return " ".join(word.text for word in words)


def _is_name(words: list[Word], vocabulary: Vocabulary) -> bool:
    """Whether the words are one listed name; "young girl" is not, for "young" is said of her."""
    if len(words) < 2 or not all(word.text.replace("-", "").isalpha() for word in words):
        return False
    first, last = words[0].text, words[-1].text
    name = _spell(words)
    if not LOOSE.isdisjoint(word.text for word in words) or not vocabulary.listed(name):
        return False
    if vocabulary.is_attribute(first) and vocabulary.is_a(name, vocabulary.canonical(last)):
        return False
    # "the bus stops": a thing and what it does.
    moves = last.endswith("s") and last.removesuffix("s") in ACTIONS
    return not (moves and vocabulary.is_a(first, "vehicle"))
