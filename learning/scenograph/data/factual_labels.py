"""From a caption and its facts to labels of its words: what the neural parser is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from scenograph.data.factual_forms import Range, Surfaces, find_name, verb_bases
from scenograph.metrics.parsing import IS, Fact
from scenograph.scene.parsing.neural_names import PREPOSITIONS, VERB
from scenograph.scene.parsing.neural_words import split_words

IMPLIED = frozenset({"have", "wear"})
"""Verbs that captions mostly leave unsaid ("a man in a hat")."""


@dataclass(frozen=True, slots=True)
class Said:
    """A relation between the objects at two ranges; `verb` is the word that says its verb, or -1."""

    subject: Range
    object: Range
    form: str
    verb: int
    base: str


@dataclass(slots=True)
class Labels:
    """What each word is part of. `missing` names what labels cannot say: (kind, name)."""

    words: list[str]
    objects: dict[Range, str] = field(default_factory=dict)
    attributes: dict[Range, str] = field(default_factory=dict)
    owned: set[tuple[Range, Range]] = field(default_factory=set)
    relations: dict[tuple[Range, Range], Said] = field(default_factory=dict)
    missing: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Saying:
    """Words that say names in another way; for verbs by the word ("seated": sit)."""

    objects: Surfaces = field(default_factory=dict)
    attributes: Surfaces = field(default_factory=dict)
    verbs: Surfaces = field(default_factory=dict)


class Labeller:
    """Finds the words that say a caption's facts. `forms`, where given, are all that relations may have."""

    def __init__(self, saying: Saying, forms: Iterable[str] | None = None) -> None:
        self.saying = saying
        self.forms = None if forms is None else frozenset(forms)

    def label(self, text: str, facts: Iterable[Fact]) -> Labels:
        """The labels of a caption's words; what they cannot say is in `missing`."""
        labels = Labels([token.text for token in split_words(text)])
        ordered = sorted(facts)
        for fact in ordered:
            if len(fact) == 1 and (places := self._places(labels, fact[0])):
                labels.objects[places[0]] = fact[0]
        for fact in ordered:
            if len(fact) == 3 and fact[1] != IS:
                self._relate(labels, *fact)
        for fact in ordered:
            if len(fact) == 3 and fact[1] == IS:
                self._own(labels, fact[0], fact[2])
        for kind, spans in (("object", labels.objects), ("attribute", labels.attributes)):
            if _overlap(spans):
                labels.missing.append((kind, " within ".join(spans.values())))
        return labels

    def _places(self, labels: Labels, name: str) -> list[Range]:
        places = find_name(name, labels.words, self.saying.objects)
        if not places:
            labels.missing.append(("object", name))
        return places

    def _relate(self, labels: Labels, subject: str, predicate: str, target: str) -> None:
        first, second = self._places(labels, subject), self._places(labels, target)
        if not first or not second:
            return
        pairs = [(one, other) for one in first for other in second if one != other]
        # "two birds next to each other" relates the same words to themselves.
        pair = min(pairs, key=lambda pair: (_apart(*pair), pair[0] > pair[1]), default=(first[0], first[0]))
        form, verb, base = self._form(labels.words, predicate, pair)
        said = Said(*pair, form, verb, base)
        if (self.forms is not None and form not in self.forms) or labels.relations.get(pair, said) != said:
            labels.missing.append(("relation", predicate))
            return
        labels.objects |= {pair[0]: subject, pair[1]: target}
        labels.relations[pair] = said

    def _form(self, words: Sequence[str], predicate: str, pair: tuple[Range, Range]) -> tuple[str, int, str]:
        base, *rest = predicate.split()
        if base in PREPOSITIONS or base in IMPLIED:
            return predicate, -1, ""
        saying = []
        for place, word in enumerate(words):
            bases = verb_bases(word)
            if base in bases or base in self.saying.verbs.get(word, ()):
                sure = bases.index(base) if base in bases else len(bases)
                here = (place, place + 1)
                saying.append((sure, _apart(here, pair[0]) + _apart(here, pair[1]), place))
        if not saying:
            return predicate, -1, ""
        return " ".join([VERB, *rest]), min(saying)[2], base

    def _own(self, labels: Labels, name: str, attribute: str) -> None:
        objects = self._places(labels, name)
        attributes = find_name(attribute, labels.words, self.saying.attributes)
        if not attributes:
            labels.missing.append(("attribute", attribute))
        if not objects or not attributes:
            return

        def rank(pair: tuple[Range, Range]) -> tuple[float, tuple[Range, Range]]:
            one, other = pair
            behind, used = 3 * (other[0] < one[0]), other in labels.objects
            return _apart(one, other) + behind - 0.5 * used, pair

        pairs = [(one, other) for one in attributes for other in objects if one != other]
        # "feet" alone says that there are two.
        pair = min(pairs, key=rank, default=(attributes[0], objects[0]))
        labels.attributes[pair[0]], labels.objects[pair[1]] = attribute, name
        labels.owned.add(pair)


def _apart(one: Range, other: Range) -> int:
    return min(abs(one[0] - other[1]), abs(other[0] - one[1]), abs(one[0] - other[0]))


def _overlap(spans: Iterable[Range]) -> bool:
    ordered = sorted(spans)
    return any(one[1] > other[0] for one, other in pairwise(ordered))
