"""The words that heads learn: those that captions say often enough of regions, and what is known of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.data.region_labels import CLOTHING, PERSON, Told
from scenograph.scene.vocabulary import Vocabulary

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

AGES = ("adult", "child")
SEXED = ("man", "woman", "boy", "girl")
NOT_SEEN = frozenset({"nearby", "about", "american", "european"})
"""Attributes that a region does not show."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Names of people, attributes, clothes and predicates, each the most frequent first."""

    names: tuple[str, ...]
    attributes: tuple[str, ...]
    worn: tuple[str, ...]
    predicates: tuple[str, ...]


def choose_words(
    told: Iterable[Told], vocabulary: Vocabulary, *, least: int = 25, least_pairs: int = 10
) -> Chosen:
    """The vocabulary's words that captions say of regions in at least `least` photographs, or of pairs of
    them in at least `least_pairs`.

    Names are those of an age or a sex, and of roles ("player"); a word counts for all that it is a kind of.
    """
    names: Counter[str] = Counter()
    attributes: Counter[str] = Counter()
    worn: Counter[str] = Counter()
    predicates: Counter[str] = Counter()
    for photo in told:
        names.update(_above(_all(photo.names), vocabulary, PERSON))
        attributes.update(word for word in _all(photo.attributes) if vocabulary.is_attribute(word))
        worn.update(_above(_all(photo.worn), vocabulary, CLOTHING))
        predicates.update(_all(photo.relations))
    return Chosen(
        _often(names, least),
        tuple(word for word in _often(attributes, least) if word not in NOT_SEEN),
        _often(worn, least),
        tuple(word for word in _often(predicates, least_pairs) if is_relation(word, vocabulary)),
    )


def is_relation(word: str, vocabulary: Vocabulary) -> bool:
    """Whether the vocabulary places the predicate: it says where, or what one does."""
    return not np.isnan(vocabulary.predicate_similarity(word, "next to"))


def name_targets(
    told: Sequence[Told], rows: Sequence[tuple[int, int]], words: Sequence[str], vocabulary: Vocabulary
) -> tuple[FloatArray, FloatArray]:
    """For each (photo, region) the share of captions' names of it that are each word, of those that tell, and
    weights, 0 where none tells. A name of an age or a sex denies the others; a role denies nothing.

    Shapes: -> (m, W), (m, W).
    """
    targets = np.zeros((len(rows), len(words)), np.float32)
    weights = np.zeros_like(targets)
    for row, (photo, region) in enumerate(rows):
        said = told[photo].names[region]
        if not any(vocabulary.is_a(noun, PERSON) for noun in said):
            continue
        for column, word in enumerate(words):
            if not any(word == age or vocabulary.is_a(word, age) for age in AGES):  # a role
                targets[row, column] = any(vocabulary.is_a(noun, word) for noun in said)
                weights[row, column] = 1.0
                continue
            votes = {noun: vote for noun in said if (vote := _vote(noun, word, vocabulary)) is not None}
            total = sum(said[noun] for noun in votes)
            if total:
                targets[row, column] = sum(vote * said[noun] for noun, vote in votes.items()) / total
                weights[row, column] = 1.0
    return targets, weights


def word_targets(
    said: Sequence[Counter[str]], words: Sequence[str], means: Callable[[str, str], bool]
) -> FloatArray:
    """1 where any caption says the word or what means it ("leaping" means "jumping").  Shapes: -> (m, W)."""
    known: dict[str, IntArray] = {}
    targets = np.zeros((len(said), len(words)), np.float32)
    for row, counts in enumerate(said):
        for one in counts:
            if one not in known:
                known[one] = np.flatnonzero([means(word, one) for word in words])
            targets[row, known[one]] = 1.0
    return targets


def _vote(noun: str, word: str, vocabulary: Vocabulary) -> float | None:
    """Whether somebody called `noun` is a `word`: 1, 0, or None where that is not told."""
    if vocabulary.is_a(noun, word):
        return 1.0
    ages = [age for age in AGES if vocabulary.is_a(noun, age)]
    if not ages or vocabulary.is_a(word, noun):
        return None
    same_age = vocabulary.is_a(word, ages[0])
    sexed = any(vocabulary.is_a(noun, one) for one in SEXED)
    return None if same_age and not sexed else 0.0


def _all(said: Mapping[Any, Counter[str]]) -> set[str]:
    return {word for counts in said.values() for word in counts}


def _above(said: Iterable[str], vocabulary: Vocabulary, root: str) -> set[str]:
    """The words and all that they are kinds of, below `root`."""
    kinds = {kind for noun in said for kind in (noun, *vocabulary.hypernyms(noun))}
    return {
        kind for kind in kinds if kind != root and vocabulary.listed(kind) and vocabulary.is_a(kind, root)
    }


def _often(counts: Counter[str], least: int) -> tuple[str, ...]:
    return tuple(
        word for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count >= least
    )
