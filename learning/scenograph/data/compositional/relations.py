"""Where a caption says a relation: the words between the subject and the object."""

from __future__ import annotations

from dataclasses import dataclass

from scenograph.data.compositional.sentence import Sentence
from scenograph.scene.graph import Edge
from scenograph.scene.vocabulary import participle
from scenograph.scene.vocabulary.inflect import bases

_SYMMETRIC = (
    "with next beside by near alongside against between among around close facing and hugging kissing",
    "meeting fighting wrestling talking chatting dancing racing embracing touching together",
)
SYMMETRIC = frozenset(word for line in _SYMMETRIC for word in line.split())


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation in the words [first, stop) of its sentence. `verb` is the verb as written, `form` its form
    ("ing", "s", "base"), both empty for a bare preposition.
    """

    subject: int
    object: int
    predicate: str
    first: int
    stop: int
    verb: str
    form: str


def find_relation(sentence: Sentence, edge: Edge) -> Relation | None:
    """The relation's words, where they stand between both phrases and right before the object's."""
    subject, target = sentence.phrases[edge.subject], sentence.phrases[edge.object]
    if subject is None or target is None or edge.negated or target.first < subject.stop:
        return None
    words = edge.predicate.split()
    stop = target.first
    first = stop - len(words)
    if first < subject.stop:
        return None
    found = [sentence.word(index) for index in range(first, stop)]
    if found == words and not words[0].endswith("ing"):
        return None if words[0].endswith("ed") else _made(edge, first, stop, "", "")
    if found[1:] != words[1:]:
        return None
    form = verb_form(found[0], words[0])
    return _made(edge, first, stop, found[0], form) if form else None


def verb_form(word: str, verb: str) -> str:
    """Which form of the verb (a participle, "running") a word is: "ing", "s", "base"; "" for none."""
    if word == verb:
        return "ing"
    base = next((form for form in bases(word) if participle(form) == verb), "")
    if not base:
        return ""
    return "base" if base == word else "s"


def is_symmetric(predicate: str) -> bool:
    """Whether "x p y" says much the same as "y p x"."""
    return any(word in SYMMETRIC for word in predicate.split())


def _made(edge: Edge, first: int, stop: int, verb: str, form: str) -> Relation:
    return Relation(edge.subject, edge.object, edge.predicate, first, stop, verb, form)
