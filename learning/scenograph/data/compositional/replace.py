"""Negatives that replace an object, an attribute or a relation by another of like kind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scenograph.data.compositional.choice import weighted_order
from scenograph.data.compositional.corpus import Corpus
from scenograph.data.compositional.genders import gendered
from scenograph.data.compositional.known import Known
from scenograph.data.compositional.negative import Negative
from scenograph.data.compositional.relations import Relation, find_relation
from scenograph.data.compositional.sentence import Phrase, Sentence, determiner_class, is_plural

FAR = 0.3
SEEN = 3
# People who are not each other, whatever else they are: a girl may be a skier, a man is no girl.
PEOPLE = frozenset(
    ("man", "woman", "boy", "girl", "baby", "men", "women", "boys", "girls", "babies", "toddler", "toddlers")
)
_VERBS = (
    "playing having getting using doing going moving trying making seeing being taking looking watching",
    "facing passing enjoying approaching showing displaying performing participating competing posing",
    "smiling including starting attempting practicing coming leaving",
)
GENERAL_VERBS = frozenset(word for line in _VERBS for word in line.split())  # true beside much else
POSTURES = frozenset(
    ("sitting", "standing", "lying", "laying", "kneeling", "sleeping", "crouching", "squatting")
)
_MOTIONS = (
    "walking running jumping leaping climbing riding swimming diving skiing skating flying falling sliding",
    "skateboarding snowboarding surfing crawling dancing driving hiking racing swinging bouncing rolling",
)
MOTIONS = frozenset(word for line in _MOTIONS for word in line.split())
PLACES = frozenset(
    ("in", "on", "under", "behind", "in front of", "above", "over", "inside", "outside", "underneath")
)
_COMPLEMENTS = frozenset(("to", "into", "off", "up", "out", "from", "onto", "away", "back", "for", "over"))


def replace_objects(
    sentence: Sentence, corpus: Corpus, known: Known, rng: np.random.Generator
) -> Iterator[Negative]:
    """ "a dog on a sofa" -> "a dog on a bed"."""
    phrases = [phrase for phrase in sentence.phrases if phrase is not None]
    for place in rng.permutation(len(phrases)).tolist():
        phrase = phrases[place]
        node = sentence.graph.nodes[phrase.node]
        label, kind = node.label.lower(), corpus.kind(node.name)
        if not kind or node.negated or corpus.is_noun(sentence.word(phrase.stop)):
            continue
        options = {
            other: corpus.labels[other] * _fitting(sentence, corpus, phrase, other)
            for other in corpus.by_kind[kind, is_plural(label)]
        }
        for other in weighted_order(options, rng):
            name = corpus.lemmas[other]
            if kind == "person" and not (label in PEOPLE and other in PEOPLE):
                continue
            if known.near(name, FAR) or gendered(sentence, (label, other)):
                continue
            if corpus.similar(node.name, name) > FAR:
                continue
            text = sentence.edited([(*sentence.span(phrase.noun, phrase.stop), other)])
            yield Negative("replace_object", text, label, other)
            break


def replace_attributes(
    sentence: Sentence, corpus: Corpus, known: Known, rng: np.random.Generator
) -> Iterator[Negative]:
    """ "a red ball" -> "a blue ball"."""
    places = [
        (phrase, name, where)
        for phrase in sentence.phrases
        if phrase is not None
        for name, where in sorted(phrase.attributes.items())
    ]
    for place in rng.permutation(len(places)).tolist():
        phrase, name, where = places[place]
        noun = sentence.graph.nodes[phrase.node].name
        options = {
            other: count
            for other, count in corpus.attributes[noun].items()
            if corpus.contradicts(name, other) and corpus.usual(noun, other)
        }
        for other in weighted_order(options, rng):
            if not known.said(noun, other):
                text = sentence.edited([(*sentence.span(*where), other)])
                yield Negative("replace_attribute", text, name, other)
                break


def replace_relations(
    sentence: Sentence, corpus: Corpus, known: Known, rng: np.random.Generator
) -> Iterator[Negative]:
    """ "a dog jumps over a log" -> "a dog sleeps on a log"."""
    found = [find_relation(sentence, edge) for edge in sentence.graph.edges]
    relations = [relation for relation in found if relation is not None and relation.predicate != "of"]
    for place in rng.permutation(len(relations)).tolist():
        relation = relations[place]
        for other in weighted_order(_relation_options(sentence, corpus, relation), rng):
            if known.related(relation, sentence, other):
                continue
            said = _inflected(corpus, other, relation.form)
            if said:
                text = sentence.edited([(*sentence.span(relation.first, relation.stop), said)])
                yield Negative("replace_relation", text, sentence.said(relation.first, relation.stop), said)
                break


def _fitting(sentence: Sentence, corpus: Corpus, phrase: Phrase, other: str) -> float:
    """How well captions know the noun in this place: 0 where its determiner or attributes are never said."""
    name, kind = corpus.lemmas[other], corpus.kind(corpus.lemmas[other])
    key = determiner_class(phrase.determiner)
    if corpus.determiners[other][key] < (1 if key in ("the", "his", "two") else 2):
        return 0.0
    if not all(corpus.usual(name, attribute) for attribute in phrase.attributes):
        return 0.0
    weight = 1.0
    for edge in sentence.graph.edges:
        if edge.object == phrase.node:
            if not corpus.objects[edge.predicate][name]:
                return 0.0
        elif edge.subject == phrase.node:
            target = corpus.kind(sentence.graph.nodes[edge.object].name)
            if corpus.frames[kind, edge.predicate, target] < 2:
                return 0.0
    return weight


def _relation_options(sentence: Sentence, corpus: Corpus, relation: Relation) -> dict[str, float]:
    """Relations that captions say of such subjects and of this very object, with how often they are said."""
    phrase = sentence.phrases[relation.object]
    if relation.form and phrase is not None and sentence.word(phrase.stop) in _COMPLEMENTS:
        return {}  # "hands the ball to a man": another verb would not take the rest
    verb = relation.predicate.split()[0]
    if (
        verb in GENERAL_VERBS
        or relation.predicate.endswith(" with")
        or (not relation.form and relation.predicate not in PLACES)
    ):
        return {}
    subject = corpus.kind(sentence.graph.nodes[relation.subject].name)
    target = sentence.graph.nodes[relation.object].name
    return {
        other: count
        for other, count in corpus.said[target].items()
        if count >= 2
        and corpus.relations[other] >= SEEN
        and corpus.frames[subject, other, corpus.kind(target)] >= 2
        and (other.split()[0] not in GENERAL_VERBS and not other.endswith(" with"))
        and (bool(relation.form) or other in PLACES)
        and _unlike(corpus, relation.predicate, other)
    }


def _unlike(corpus: Corpus, one: str, other: str) -> bool:
    """Whether one relation does not say the other, by the tables; verbs of two bases at 0.5 at most."""
    verbs = one.split()[0], other.split()[0]
    if not all(verb.endswith("ing") for verb in verbs) or verbs[0] == verbs[1]:
        return corpus.alike(one, other) <= 0.4
    if POSTURES & set(verbs) and not set(verbs) <= POSTURES | MOTIONS:
        return False  # one can sit and read, stand and hold
    return corpus.alike(one, other) <= 0.5


def _inflected(corpus: Corpus, predicate: str, form: str) -> str:
    """The relation with its verb in that form, as captions write it; "" where none did."""
    verb, _, rest = predicate.partition(" ")
    if not form:
        return "" if verb.endswith("ing") else predicate
    forms = corpus.forms.get((verb, form))
    if not forms:
        return ""
    said = max(sorted(forms), key=lambda word: forms[word])
    return f"{said} {rest}".strip()
