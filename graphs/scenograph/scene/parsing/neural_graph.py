"""From what the neural parser read to a scene graph as the rules would write it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scenograph.scene.graph import SceneGraph, Span
from scenograph.scene.parsing.draft import Draft, Thing
from scenograph.scene.parsing.neural_decode import Mention, Reading, Relation
from scenograph.scene.parsing.neural_names import PREPOSITIONS, VERB, base_form
from scenograph.scene.parsing.neural_words import Token
from scenograph.scene.parsing.pronouns import antecedent
from scenograph.scene.parsing.repair import LEMMAS
from scenograph.scene.parsing.tree import Token as TreeToken
from scenograph.scene.parsing.words import (
    FEMALE,
    MALE,
    NEUTER,
    NUMBERS,
    PAIRS,
    PERSON_PRONOUNS,
    PLURAL,
)
from scenograph.scene.vocabulary import Vocabulary, participle
from scenograph.scene.vocabulary.inflect import singulars

PRONOUNS = MALE | FEMALE | NEUTER | PLURAL
PEOPLE = frozenset({"person", "people"})
MAX_THINGS = 200


class GraphWriter:
    """Writes readings as scene graphs: numbers as counts, pronouns as whom they mean, groups and pieces as
    attributes of what they are of ("group of", "slice"), and what things are to each other as a relation from
    their node to itself.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def write(self, sentences: Iterable[tuple[Sequence[Token], Reading]]) -> SceneGraph:
        """The graph of a text, given the words and the reading of each of its sentences."""
        draft = Draft()
        before = 0
        for words, reading in sentences:
            things = [self._thing(draft, words, mention, before) for mention in reading.objects]
            for attribute, owner in reading.owned:
                _say(things[owner], reading.objects[owner], reading.attributes[attribute])
            for mention, thing in zip(reading.objects, things, strict=True):
                thing.count = thing.count or _one(mention, reading, words)
            for relation in reading.relations:
                subject, target = things[relation.subject], things[relation.object]
                if subject in draft.things and target in draft.things:
                    each_other = relation.subject == relation.object
                    draft.relate(subject, _participle(relation, words), target, each_other=each_other)
            before += len(words)
        return draft.freeze()

    def _thing(self, draft: Draft, words: Sequence[Token], mention: Mention, before: int) -> Thing:
        start, end = mention.words
        said = " ".join(word.text for word in words[start:end])
        token = TreeToken(
            before + end - 1, said, said, "PRON" if said in PRONOUNS else "NOUN", "NN", "",
            words[start].start, words[end - 1].end,
        )  # fmt: skip
        if said in PRONOUNS:
            meant = antecedent(token, draft.things, self._vocabulary)
            if meant is not None:
                return meant
        # "guy" says more than the "person" that the training data makes of it.
        label = said if mention.name in PEOPLE and self._vocabulary.listed(said) else mention.name
        lemma = "person" if said in PERSON_PRONOUNS else self._lemma(label)
        if lemma != label or label == "people":
            token.tag = "NNS"
        thing = Thing(token, label, lemma, Span(token.start, token.end))
        if len(draft.things) < MAX_THINGS:
            draft.things.append(thing)
        return thing

    def _lemma(self, label: str) -> str:
        """The singular; a plural that means something of its own ("glasses", "shorts") stays."""
        vocabulary = self._vocabulary
        forms = singulars(label)
        if not forms or label == "people":
            return label
        lemma = next((form for form in forms if vocabulary.listed(form)), LEMMAS.get(forms[0], forms[0]))
        own = vocabulary.canonical(label)
        if vocabulary.listed(label) and (own == label or own != vocabulary.canonical(lemma)):
            return label
        return lemma


def _one(mention: Mention, reading: Reading, words: Sequence[Token]) -> int:
    """1 where "one" stands before the name and what is said of it: the training data leaves it out."""
    place = mention.words[0] - 1
    said = {at for attribute in reading.attributes for at in range(*attribute.words)}
    while place in said:
        place -= 1
    return int(place >= 0 and words[place].text == "one")


def _say(thing: Thing, mention: Mention, attribute: Mention) -> None:
    if attribute.words == mention.words:
        return  # "feet" are two; nobody counted them
    first = attribute.name.split()[0]
    amount = int(attribute.name) if attribute.name.isdecimal() else NUMBERS.get(attribute.name, 0)
    if first in PAIRS:
        amount = NUMBERS[first]
    if amount:
        thing.count = thing.count or amount
    else:
        thing.say(attribute.name)


def _participle(relation: Relation, words: Sequence[Token]) -> str:
    """The relation as graphs name it: "sitting on", "parked on"."""
    first, *rest = relation.form.split()
    if first == VERB:
        word = words[relation.place].text
        # What is "parked on" a street does not park now.
        passive = bool(rest) and word.endswith("ed") and base_form(word) == relation.verb
        first = word if passive else participle(relation.verb)
    elif first not in PREPOSITIONS:
        first = participle(first)
    return " ".join([first, *rest])
