"""From the neural parser's scores to what they say: objects, their attributes, relations between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scenograph.scene.parsing.neural_names import VERB, Names

Scores = npt.NDArray[np.float32]
Range = tuple[int, int]
"""Words [start, end) of a sentence."""

Fact = tuple[str, ...]
BEGIN, INSIDE = 1, 2
LIKELY = 0.2
"""How likely a relation must be, against none, where nothing else is said of an object."""


@dataclass(frozen=True, slots=True)
class WordScores:
    """The parser's logits of one sentence of W words; shapes as `scenograph.nn.scene_parser` gives them."""

    objects: Scores
    attributes: Scores
    owners: Scores
    relations: Scores
    verbs: Scores


@dataclass(frozen=True, slots=True)
class Mention:
    """Words that name an object or an attribute, the name, and how likely they do, in [0, 1]."""

    words: Range
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Relation:
    """objects[subject] -form-> objects[object]; the form's `VERB` is `verb`, base form of word `place`."""

    subject: int
    form: str
    object: int
    verb: str = ""
    place: int = -1
    score: float = 1.0

    @property
    def name(self) -> str:
        """The relation in base form ("sit on")."""
        return self.form.replace(VERB, self.verb, 1) if self.verb else self.form


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sentence says. `owned` are pairs (attribute, object) of places in those lists."""

    objects: tuple[Mention, ...] = ()
    attributes: tuple[Mention, ...] = ()
    owned: tuple[tuple[int, int], ...] = ()
    relations: tuple[Relation, ...] = ()

    def facts(self) -> frozenset[Fact]:
        """(subject, predicate, object) and (object, "is", attribute); where there are none, (object,)."""
        facts: set[Fact] = {
            (self.objects[owner].name, "is", self.attributes[attribute].name)
            for attribute, owner in self.owned
        }
        for relation in self.relations:
            subject, target = self.objects[relation.subject], self.objects[relation.object]
            facts.add((subject.name, relation.name, target.name))
        return frozenset(facts or {(each.name,) for each in self.objects})


def decode(words: Sequence[str], scores: WordScores, names: Names) -> Reading:
    """The likeliest reading of a sentence; it names one object at least where there is a word.

    Every attribute belongs to the object it fits best and to all others that it fits better than not.
    Captions hardly name an object for nothing: where nothing else is said of one, it gets a relation that is
    likely at all (`LIKELY`). If there is none, and it is right before an object of which something is said,
    it is only a part of that one's name ("plaza grounds").
    """
    found = _tagged(scores.objects)
    if not found and words:
        found = [_likeliest(words, scores.objects)]
    objects = [_mention(words, span, score, names.object) for span, score in found]
    attributes = [_mention(words, span, score, names.attribute) for span, score in _tagged(scores.attributes)]
    if not objects:
        return Reading()
    heads = [mention.words[1] - 1 for mention in objects]
    owned = []
    for place, attribute in enumerate(attributes):
        fits = scores.owners[attribute.words[1] - 1, heads]
        owned += [(place, int(owner)) for owner in np.flatnonzero((fits > 0) | (fits == fits.max()))]
    relations = _relations(words, scores, heads, names, {owner for _, owner in owned})
    return _without_parts(Reading(tuple(objects), tuple(attributes), tuple(owned), relations))


def _relations(
    words: Sequence[str], scores: WordScores, heads: Sequence[int], names: Names, owners: Set[int]
) -> tuple[Relation, ...]:
    likely = _softmax(scores.relations[np.ix_(heads, heads)])
    chosen = [(int(subject), int(target)) for subject, target in np.argwhere(likely.argmax(axis=-1) > 0)]
    said = {*owners, *(end for pair in chosen for end in pair)}
    against = likely[..., 1:].max(axis=-1) / likely[..., 0]
    np.fill_diagonal(against, 0.0)
    for place in range(len(heads)):
        if place not in said:
            either = np.stack([against[place], against[:, place]])
            way, other = divmod(int(either.argmax()), len(heads))
            if either[way, other] > LIKELY:
                chosen.append((other, place) if way else (place, other))
                said |= {place, other}
    relations = []
    for subject, target in chosen:
        number = 1 + int(likely[subject, target, 1:].argmax())
        form, verb, at = names.forms[number], "", -1
        if VERB in form.split():
            at = int(scores.verbs[heads[subject], heads[target]].argmax())
            verb = names.verb(words[at])
        score = float(likely[subject, target, number])
        relations.append(Relation(subject, form, target, verb, at, score))
    return tuple(relations)


def _without_parts(reading: Reading) -> Reading:
    """The reading without objects that only are part of another's name."""
    ends = {end for relation in reading.relations for end in (relation.subject, relation.object)}
    said = ends | {owner for _, owner in reading.owned}
    starts = {reading.objects[place].words[0] for place in said}
    kept = [
        place for place, each in enumerate(reading.objects) if place in said or each.words[1] not in starts
    ]
    if len(kept) == len(reading.objects):
        return reading
    now = {place: position for position, place in enumerate(kept)}
    return Reading(
        tuple(reading.objects[place] for place in kept),
        reading.attributes,
        tuple((attribute, now[owner]) for attribute, owner in reading.owned),
        tuple(
            replace(each, subject=now[each.subject], object=now[each.object]) for each in reading.relations
        ),
    )


def _tagged(logits: Scores) -> list[tuple[Range, float]]:
    """The ranges that the tags mark, each with the probability of its first tag."""
    likely = _softmax(logits)
    spans: list[tuple[Range, float]] = []
    inside = False
    for place, tag in enumerate(logits.argmax(axis=-1).tolist()):
        if tag == BEGIN or (tag == INSIDE and not inside):
            spans.append(((place, place + 1), float(1.0 - likely[place, 0])))
        elif tag == INSIDE:
            (start, _), score = spans[-1]
            spans[-1] = ((start, place + 1), score)
        inside = tag != 0
    return spans


def _likeliest(words: Sequence[str], logits: Scores) -> tuple[Range, float]:
    """The word that most likely names an object; signs only where there is nothing else."""
    likely = 1.0 - _softmax(logits)[:, 0]
    spoken = np.array([any(letter.isalnum() for letter in word) for word in words])
    place = int((likely + spoken).argmax())
    return (place, place + 1), float(likely[place])


def _mention(words: Sequence[str], span: Range, score: float, name: Callable[[str], str]) -> Mention:
    return Mention(span, name(" ".join(words[slice(*span)])), score)


def _softmax(logits: Scores) -> Scores:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Scores = raised / raised.sum(axis=-1, keepdims=True)
    return result
