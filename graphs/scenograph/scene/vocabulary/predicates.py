"""Relations: a preposition, a verb, or a verb with a preposition, and how two of them compare."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from scenograph.scene.vocabulary.inflect import bases, participle
from scenograph.scene.vocabulary.tables import read_lines, read_near, read_tree
from scenograph.scene.vocabulary.taxonomy import GENERAL, Taxonomy

# What is left of a relation's similarity when only one side, or another verb, says how it comes about.
OTHER_VERB = 0.5
SAME_VERB = 0.4

_AUXILIARY = re.compile(r"^(?:(?:is|are|was|were|be|being|been|has been|to be)\s+)+")


@dataclass(frozen=True, slots=True)
class Predicate:
    """A relation taken apart: participle or "", its id in the verb table, and the id of the place it says."""

    text: str
    verb: str = ""
    action: int = -1
    place: int = -1


class Predicates:
    """The tables of prepositions and verbs. Normal form: "on", "riding", "sitting on"."""

    def __init__(self) -> None:
        self._places = Taxonomy(
            read_tree("prepositions.txt"), read_near("prepositions_near.txt"), all_closed=True
        )
        verbs = read_tree("verbs.txt")
        self._verbs = Taxonomy(verbs, read_near("verbs_near.txt"))
        self._says = [self._places.find(entry.says) for entry in verbs.values()]
        self._participles = {term.split()[0] for term in self._verbs.terms()}
        self._inverses: dict[str, str] = {}
        for line in read_lines("inverses.txt"):
            one, _, other = (part.strip() for part in line.partition("|"))
            self._inverses[one] = other
            self._inverses.setdefault(other, one)
        self.find = lru_cache(maxsize=65_536)(self._find)
        self.similarity = lru_cache(maxsize=262_144)(self._similarity)

    def canonical(self, text: str) -> str:
        """The normal form: "sits on top of" -> "sitting on", "to the left of" -> "left of"."""
        found = self.find(text)
        if found.action >= 0:
            return self._verbs.names[found.action]
        if found.place >= 0:
            return f"{found.verb} {self._places.names[found.place]}".strip()
        return found.text

    def inverse(self, text: str) -> str | None:
        """The relation seen from the other end ("left of" -> "right of"), where there is a word for it."""
        return self._inverses.get(self.canonical(text))

    def _find(self, text: str) -> Predicate:
        phrase = _AUXILIARY.sub("", " ".join(text.lower().split()))
        place = self._places.find(phrase)
        if place >= 0:
            return Predicate(phrase, place=place)
        first, _, rest = phrase.partition(" ")
        place = self._places.find(rest)
        verb = self._participle(first, certain=place >= 0)
        phrase = f"{verb} {rest}".strip()
        action = self._verbs.find(phrase)
        if action >= 0:
            return Predicate(phrase, verb, action, self._says[action])
        if place < 0:
            words = rest.split()
            for start in range(1, len(words)):
                place = self._places.find(" ".join(words[start:]))
                if place >= 0:
                    break
        if place >= 0:
            shorter = self._verbs.find(f"{verb} {self._places.names[place]}")
            if shorter >= 0:
                return Predicate(phrase, verb, shorter, self._says[shorter])
            return Predicate(phrase, verb, place=place)
        return Predicate(phrase, verb if verb in self._participles else "")

    def _participle(self, word: str, *, certain: bool) -> str:
        if word.endswith("ing") or not word:
            return word
        forms = [participle(base) for base in bases(word)]
        known = [form for form in forms if form in self._participles]
        return known[0] if known else (forms[-1] if certain and word.isalpha() else word)

    def _similarity(self, query: str, candidate: str) -> float:
        one, other = self.find(query), self.find(candidate)
        if one.text == other.text or (one.action >= 0 and one.action == other.action):
            return 1.0
        place = math.nan
        if one.place >= 0 and other.place >= 0:
            place = float(self._places.row(one.place)[other.place])
        if not one.verb:
            return place
        if not other.verb:
            return GENERAL * place
        action = math.nan
        if one.action >= 0 and other.action >= 0:
            action = float(self._verbs.row(one.action)[other.action])
        if one.verb == other.verb and not math.isnan(place):
            action = max(SAME_VERB + (1 - SAME_VERB) * place, 0.0 if math.isnan(action) else action)
        if math.isnan(action):
            return OTHER_VERB * place
        return action
