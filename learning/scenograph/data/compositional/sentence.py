"""A caption as words, and its nodes' phrases in it: determiner, attributes, noun."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from scenograph.scene.graph import Node, SceneGraph

_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_VOWEL = re.compile(r"(?!(?:one|once|uni|use|usual|eu|u[bf]o)\w*)(?:[aeiou]|hour|honest|heir)")
ARTICLES = ("a", "an")
DEFINITE = ("the", "this", "that", "these", "those")
POSSESSIVE = ("his", "her", "their", "its", "my", "our", "your")
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
AMOUNTS = ("some", "several", "many", "various", "multiple", "few", *NUMBERS, "both")
SINGLES = ("one", "another", "each", "every")
_DETERMINERS = frozenset((*ARTICLES, *DEFINITE, *POSSESSIVE, *AMOUNTS, *SINGLES, "no"))
_PLURALS = frozenset(
    ("people", "men", "women", "children", "policemen", "firemen", "cattle", "feet", "teeth")
)
Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Word:
    """A word or mark, in lower case, with its place [start, end) in the text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """A node in the words [first, stop): its determiner (or "") at `first`, attributes, then the noun.

    `noun` is where the noun's own words begin; `attributes` the places [i, j) of the attributes found.
    """

    node: int
    first: int
    noun: int
    stop: int
    determiner: str
    attributes: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def inside(self) -> int:
        """The first word after the determiner."""
        return self.first + bool(self.determiner)


class Sentence:
    """A caption with its graph. `phrases[i]` is node i's phrase, None where it is not plain to see."""

    def __init__(self, text: str, graph: SceneGraph) -> None:
        self.text = text
        self.graph = graph
        self.words = [Word(match[0].lower(), match.start(), match.end()) for match in _WORD.finditer(text)]
        self._starts = {word.start: index for index, word in enumerate(self.words)}
        self._stops = {word.end: index + 1 for index, word in enumerate(self.words)}
        nouns = [self._noun(node) for node in graph.nodes]
        taken = [noun for noun in nouns if noun is not None]
        self.phrases = tuple(
            self._phrase(index, node, noun) if noun is not None and taken.count(noun) == 1 else None
            for index, (node, noun) in enumerate(zip(graph.nodes, nouns, strict=True))
        )

    def said(self, first: int, stop: int) -> str:
        """The text of the words [first, stop) as written."""
        return self.text[self.words[first].start : self.words[stop - 1].end] if stop > first else ""

    def word(self, index: int) -> str:
        """The word there in lower case, "" outside the text."""
        return self.words[index].text if 0 <= index < len(self.words) else ""

    def span(self, first: int, stop: int) -> tuple[int, int]:
        """Characters of the words [first, stop)."""
        return self.words[first].start, self.words[stop - 1].end

    def edited(self, edits: Iterable[Edit]) -> str:
        """The text with the pieces replaced, articles and the first capital put right."""
        text = self.text
        for start, stop, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[stop:]
        text = re.sub(r"  +", " ", text).strip() if "  " not in self.text else text.strip()
        text = self._articles(text)
        if self.text[:1].isupper():
            text = text[:1].upper() + text[1:]
        return text

    def _articles(self, text: str) -> str:
        """ "a" and "an" by the next word, where that is not as it was."""
        known = {(one.text, two.text) for one, two in pairwise(self.words)}
        words = list(_WORD.finditer(text))
        for one, two in reversed(list(pairwise(words))):
            pair = (one[0].lower(), two[0].lower())
            if pair[0] in ARTICLES and pair not in known:
                right = article(pair[1])
                right = right.capitalize() if one[0][0].isupper() else right
                text = text[: one.start()] + right + text[one.end() :]
        return text

    def _noun(self, node: Node) -> tuple[int, int] | None:
        if node.span is None:
            return None
        first, stop = self._starts.get(node.span.start), self._stops.get(node.span.end)
        if first is None or stop is None or stop <= first:
            return None
        if self.text[node.span.start : node.span.end].lower() != node.label.lower():
            return None
        return first, stop

    def _phrase(self, index: int, node: Node, noun: tuple[int, int]) -> Phrase:
        names = {attribute.name for attribute in node.attributes if not attribute.negated}
        parts = {part for name in names for part in name.split()}
        first = noun[0]
        while self.word(first - 1) in parts or (
            self.word(first - 1) in ("and", ",") and self.word(first - 2) in parts and first < noun[0]
        ):
            first -= 1
        places = {}
        for name in sorted(names):
            size = len(name.split())
            for start in range(first, noun[0] - size + 1):
                if " ".join(word.text for word in self.words[start : start + size]) == name:
                    places[name] = (start, start + size)
        before = self.word(first - 1)
        determiner = before if before in _DETERMINERS else ""
        return Phrase(index, first - bool(determiner), noun[0], noun[1], determiner, places)


def article(word: str) -> str:
    """ "a" or "an" before the word, by its spelling."""
    return "an" if _VOWEL.match(word) else "a"


def determiner_class(determiner: str) -> str:
    """ "a", "the", "his", "two" (any amount) or "": nouns of one class can stand for each other."""
    if determiner in ARTICLES or determiner in SINGLES:
        return "a"
    if determiner in DEFINITE:
        return "the"
    if determiner in POSSESSIVE:
        return "his"
    return "two" if determiner in AMOUNTS else determiner


def is_plural(label: str) -> bool:
    """Whether a surface form looks like a plural ("dogs", "jeans", "people")."""
    last = label.split()[-1] if label else ""
    return last in _PLURALS or (last.endswith("s") and not last.endswith(("ss", "us", "is")))
