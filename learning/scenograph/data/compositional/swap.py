"""Negatives that swap: two objects around a relation or between two roles, two attributes between objects."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from scenograph.data.compositional.corpus import Corpus
from scenograph.data.compositional.genders import gendered
from scenograph.data.compositional.negative import Negative
from scenograph.data.compositional.relations import find_relation, is_symmetric
from scenograph.data.compositional.sentence import (
    POSSESSIVE,
    Phrase,
    Sentence,
    determiner_class,
    is_plural,
)

NEAR = 0.5
_UNSWAPPED = ("having", "of", "wearing", "as", "dressed as", "like")


def swap_objects(sentence: Sentence, corpus: Corpus) -> Iterator[Negative]:
    """ "A brown dog chases a cat" -> "A cat chases a brown dog"; the nouns alone where roles differ."""
    tried: set[frozenset[int]] = set()
    for edge in sentence.graph.edges:
        one, two = sentence.phrases[edge.subject], sentence.phrases[edge.object]
        if one is None or two is None or one.stop > two.first:
            continue
        if edge.predicate in _UNSWAPPED or is_symmetric(edge.predicate):
            continue
        if find_relation(sentence, edge) is None:
            continue
        if not _differ(sentence, corpus, one, two, whole=True) or not _fit(sentence, corpus, one, two):
            continue
        if not _turnable(sentence, corpus, one, two, edge.predicate):
            continue
        if one.determiner in (*POSSESSIVE, "another") or two.determiner in (*POSSESSIVE, "another"):
            continue
        tried.add(frozenset((one.node, two.node)))
        yield _swapped(sentence, (one.first, one.stop), (two.first, two.stop))
    for one, two in combinations([phrase for phrase in sentence.phrases if phrase is not None], 2):
        first, second = sorted((one, two), key=lambda phrase: phrase.first)
        if frozenset((one.node, two.node)) in tried or _joined(sentence, first, second):
            continue
        if not _same_kind(*(corpus.kind(sentence.graph.nodes[phrase.node].name) for phrase in (one, two))):
            continue
        if not _differ(sentence, corpus, first, second, whole=False) or not _fit(
            sentence, corpus, first, second
        ):
            continue
        if not _apart(sentence, first, second) or not _likely(sentence, corpus, first, second):
            continue
        yield _swapped(sentence, (first.noun, first.stop), (second.noun, second.stop))


def swap_attributes(sentence: Sentence, corpus: Corpus) -> Iterator[Negative]:
    """ "a red ball on a blue mat" -> "a blue ball on a red mat"."""
    phrases = [phrase for phrase in sentence.phrases if phrase is not None and phrase.attributes]
    for one, two in combinations(phrases, 2):
        names = [
            {item.name for item in sentence.graph.nodes[phrase.node].attributes} for phrase in (one, two)
        ]
        nouns = [sentence.graph.nodes[phrase.node].name for phrase in (one, two)]
        for mine, here in sorted(one.attributes.items()):
            for yours, there in sorted(two.attributes.items()):
                if mine in names[1] or yours in names[0] or not corpus.contradicts(mine, yours):
                    continue
                if not corpus.usual(nouns[0], yours) or not corpus.usual(nouns[1], mine):
                    continue
                alike = corpus.similar(*nouns) >= NEAR
                if alike and (_joined(sentence, one, two) or not _roles_differ(sentence, one, two)):
                    continue
                negative = _swapped(sentence, here, there)
                yield Negative("swap_attribute", negative.text, negative.before, negative.after)


def _turnable(sentence: Sentence, corpus: Corpus, one: Phrase, two: Phrase, predicate: str) -> bool:
    """Whether the relation could be said the other way round: of such kinds, or of these very nouns."""
    mine, yours = (sentence.graph.nodes[phrase.node].name for phrase in (one, two))
    if corpus.triples[yours, predicate, mine] >= 2:
        return True
    kinds = corpus.kind(mine), corpus.kind(yours)
    return _same_kind(*kinds) and corpus.frames[kinds[1], predicate, kinds[0]] >= 2


def _same_kind(one: str, other: str) -> bool:
    return bool(one) and (one == other or {one, other} == {"person", "animal"})


def _differ(sentence: Sentence, corpus: Corpus, one: Phrase, two: Phrase, *, whole: bool) -> bool:
    """Whether what is swapped differs in meaning: the nouns, or with `whole` phrases their attributes."""
    mine, yours = sentence.graph.nodes[one.node], sentence.graph.nodes[two.node]
    others = [
        sentence.graph.nodes[i].name
        for i in range(len(sentence.graph.nodes))
        if i not in (one.node, two.node)
    ]
    if mine.negated or yours.negated or mine.name in others or yours.name in others:
        return False
    if mine.name != yours.name:
        return corpus.similar(mine.name, yours.name) < NEAR
    return whole and any(corpus.contradicts(a, b) for a in one.attributes for b in two.attributes if a != b)


def _fit(sentence: Sentence, corpus: Corpus, one: Phrase, two: Phrase) -> bool:
    """Whether each can stand in the other's place: number and determiner, and no pronoun that would miss."""
    labels = [sentence.graph.nodes[phrase.node].label for phrase in (one, two)]
    if is_plural(labels[0]) != is_plural(labels[1]):
        return False
    if any(corpus.is_noun(sentence.word(phrase.stop)) for phrase in (one, two)):
        return False  # "a dog sled": the noun is longer than was seen
    if bool(one.determiner) != bool(two.determiner) and not is_plural(labels[0]):
        return False
    return not gendered(sentence, labels)


def _joined(sentence: Sentence, first: Phrase, second: Phrase) -> bool:
    """Whether the two are named side by side ("a man and a dog"): swapped, they would say the same."""
    return all(sentence.word(index) in ("and", ",", "or") for index in range(first.stop, second.first))


def _roles_differ(sentence: Sentence, one: Phrase, two: Phrase) -> bool:
    """Whether something is said of one that is not said of the other: else a swap says the same."""
    nodes, edges = sentence.graph.nodes, sentence.graph.edges
    pair = {one.node, two.node}
    between = [edge for edge in edges if {edge.subject, edge.object} == pair]
    if between:
        return not all(is_symmetric(edge.predicate) for edge in between)

    def said(place: int) -> set[tuple[str, str, str]]:
        mine = {("by", edge.predicate, nodes[edge.object].name) for edge in edges if edge.subject == place}
        return mine | {
            ("to", edge.predicate, nodes[edge.subject].name) for edge in edges if edge.object == place
        }

    return said(one.node) != said(two.node)


def _apart(sentence: Sentence, one: Phrase, two: Phrase) -> bool:
    """Whether the nouns stand in different roles or have different attributes."""
    return _roles_differ(sentence, one, two) or set(one.attributes) != set(two.attributes)


def _likely(sentence: Sentence, corpus: Corpus, one: Phrase, two: Phrase) -> bool:
    """Whether captions say of each what would be said of it: attributes and relations by kind."""
    for mine, new in ((one, two), (two, one)):
        name = sentence.graph.nodes[new.node].name
        if not all(corpus.usual(name, attribute) for attribute in mine.attributes):
            return False
        label = sentence.graph.nodes[new.node].label.lower()
        if not corpus.determiners[label][determiner_class(mine.determiner)]:
            return False
        for edge in sentence.graph.edges:
            if {edge.subject, edge.object} == {one.node, two.node}:
                return False
            kind = corpus.kind(name)
            if edge.subject == mine.node:
                other = corpus.kind(sentence.graph.nodes[edge.object].name)
                if corpus.frames[kind, edge.predicate, other] < 2:
                    return False
            if edge.object == mine.node:
                other = corpus.kind(sentence.graph.nodes[edge.subject].name)
                if (
                    corpus.objects[edge.predicate][name] < 1
                    and corpus.frames[other, edge.predicate, kind] < 5
                ):
                    return False
    return True


def _swapped(sentence: Sentence, here: tuple[int, int], there: tuple[int, int]) -> Negative:
    mine, yours = _plain(sentence, *here), _plain(sentence, *there)
    text = sentence.edited([(*sentence.span(*here), yours), (*sentence.span(*there), mine)])
    return Negative("swap_object", text, f"{mine} … {yours}", f"{yours} … {mine}")


def _plain(sentence: Sentence, first: int, stop: int) -> str:
    """The words as they are in the middle of a sentence."""
    said = sentence.said(first, stop)
    return said[:1].lower() + said[1:] if first == 0 else said
