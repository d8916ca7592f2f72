"""Nouns and attributes: from a written label to a concept of a taxonomy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from scenograph.scene.vocabulary.inflect import singulars
from scenograph.scene.vocabulary.taxonomy import Taxonomy

_LEADING = re.compile(r"^(?:(?:a|an|the|some|his|her|their|its|this|that|very|really)\s+)+")
_TINT = re.compile(r"^(?:light|dark|bright|pale|deep|very|mostly|all|solid|faded)\s+")
_TAIL = re.compile(r"[\s-](?:colou?red|toned|in colou?r)$")


@dataclass(frozen=True, slots=True)
class Word:
    """A written word: its plain form, its concept (-1: unknown), whether it says more than the concept."""

    text: str
    concept: int
    narrowed: bool = False


def plain(text: str) -> str:
    """Lower case, single spaces, no leading article."""
    return _LEADING.sub("", " ".join(text.lower().split()))


class Words:
    """Looks written words up in a taxonomy and keeps what it found (bounded)."""

    def __init__(self, taxonomy: Taxonomy, size: int = 65_536) -> None:
        self.taxonomy = taxonomy
        self.find = lru_cache(maxsize=size)(self._find)

    def _find(self, text: str) -> Word:
        raise NotImplementedError

    def _exact(self, text: str) -> int:
        for form in (text, text.replace("-", " "), text.replace(" ", "-")):
            concept = self.taxonomy.find(form)
            if concept >= 0:
                return concept
        return -1


class Nouns(Words):
    """Plurals meet singulars; an unknown compound is a kind of its head ("beach towel" of "towel")."""

    def _find(self, text: str) -> Word:
        noun = plain(text)
        concept = self._number(noun)
        if concept >= 0:
            return Word(self.taxonomy.names[concept], concept)
        head = noun.partition(" of ")[0]
        words = head.split()
        for start in range(0 if head != noun else 1, len(words)):
            concept = self._number(" ".join(words[start:]))
            if concept >= 0:
                return Word(noun, concept, narrowed=True)
        forms = singulars(noun)
        return Word(forms[0] if forms else noun, -1)

    def _number(self, noun: str) -> int:
        for form in (noun, *singulars(noun)):
            concept = self._exact(form)
            if concept >= 0:
                return concept
        return -1


class Attributes(Words):
    """ "red colored" is "red"; "light brown" is a shade of "brown"."""

    def _find(self, text: str) -> Word:
        value = plain(text)
        shorter = _TAIL.sub("", value)
        for form in dict.fromkeys((value, shorter)):
            concept = self._exact(form)
            if concept >= 0:
                return Word(self.taxonomy.names[concept], concept)
        untinted = _TINT.sub("", shorter)
        concept = self._exact(untinted)
        if concept < 0 and untinted.startswith("partially "):
            concept = self._exact(untinted.removeprefix("partially "))
        return Word(value, concept, narrowed=True) if concept >= 0 else Word(value, -1)
