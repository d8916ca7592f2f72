"""Negatives that deny what the caption says."""

from __future__ import annotations

from collections.abc import Iterator

from scenograph.data.compositional.negative import Negative
from scenograph.data.compositional.relations import find_relation
from scenograph.data.compositional.sentence import Sentence


def negations(sentence: Sentence) -> Iterator[Negative]:
    """ "is running" -> "is not running", "with" -> "without", "a man riding" -> "a man not riding"."""
    words = [word.text for word in sentence.words]
    if any(word in ("not", "no", "without", "n't", "never") for word in words):
        return
    for index, word in enumerate(words):
        following = sentence.word(index + 1)
        if word in ("is", "are", "was", "were") and index and following not in ("", ".", ","):
            end = sentence.words[index].end
            text = sentence.edited([(end, end, " not")])
            yield Negative("negate", text, f"{word} {following}", f"{word} not {following}")
            return
    for edge in sentence.graph.edges:
        relation = find_relation(sentence, edge)
        if relation is None:
            continue
        start, stop = sentence.span(relation.first, relation.stop)
        said = sentence.text[start:stop]
        if relation.predicate == "with":
            yield Negative("negate", sentence.edited([(start, stop, "without")]), said, "without")
        elif relation.form == "ing" and _begins(sentence, relation.first):
            yield Negative("negate", sentence.edited([(start, start, "not ")]), said, f"not {said}")


def _begins(sentence: Sentence, place: int) -> bool:
    """Whether a clause can begin there: after a noun, or a word that joins clauses."""
    nouns = {phrase.stop for phrase in sentence.phrases if phrase is not None}
    return place in nouns or sentence.word(place - 1) in ("and", ",", "while", "who", "but")
