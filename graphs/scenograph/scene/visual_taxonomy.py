"""The words for what a pack's vision models can see, with what each is a kind of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from scenograph.scene.vocabulary import Vocabulary

FloatArray = NDArray[np.float32]
Kinds = Callable[[str], Sequence[str]]
"""A noun -> other names of it and all that it is a kind of, nearest first."""


@dataclass(frozen=True, slots=True, eq=False)
class Taxonomy:
    """Everyday nouns of the models' classes, and of everything above them ("retriever", "dog", "animal").

    `concepts` (K) are all nouns of the backbone's classes and their kinds; `membership` (K, C) is 1 where a
    class is
    one of a concept; `chance` (K,) is the share of the classes that a concept has; `kinds` gives every noun's
    own
    kinds, nearest first, beginning with itself; `below` the concepts that are kinds of a concept.
    """

    class_names: tuple[str, ...]
    object_names: tuple[str, ...]
    concepts: tuple[str, ...]
    membership: sparse.csr_array
    kinds: Mapping[str, tuple[str, ...]]
    below: Mapping[str, tuple[str, ...]]
    chance: FloatArray
    place: Mapping[str, int]

    @classmethod
    def build(cls, class_names: Sequence[str], object_names: Sequence[str], kinds: Kinds) -> Taxonomy:
        """The taxonomy of these classes.

        `class_names`: the noun of each of the backbone's classes; `object_names`: of each of the detector's.
        """
        closure = {name: tuple(dict.fromkeys((name, *kinds(name)))) for name in (*class_names, *object_names)}
        concepts = tuple(sorted({kind for name in class_names for kind in closure[name]}))
        place = {name: position for position, name in enumerate(concepts)}
        for name in concepts:
            closure.setdefault(name, tuple(dict.fromkeys((name, *kinds(name)))))
        pairs = [(place[kind], column) for column, name in enumerate(class_names) for kind in closure[name]]
        rows, columns = np.array(pairs, dtype=np.int64).T
        membership = sparse.csr_array(
            (np.ones(len(pairs), dtype=np.float32), (rows, columns)), shape=(len(concepts), len(class_names))
        )
        below: dict[str, list[str]] = {}
        for name in concepts:
            for kind in closure[name][1:]:
                below.setdefault(kind, []).append(name)
        kept = {kind: tuple(names) for kind, names in below.items()}
        chance = np.minimum(np.asarray(membership.mean(axis=1), dtype=np.float32).ravel(), 0.999)
        names = (tuple(class_names), tuple(object_names), concepts)
        return cls(*names, membership, closure, kept, chance.astype(np.float32), place)

    @classmethod
    def from_vocabulary(cls, vocabulary: Vocabulary) -> Taxonomy:
        """The taxonomy of ImageNet's and COCO's classes, by the vocabulary's tables."""

        def kinds(name: str) -> tuple[str, ...]:
            return (vocabulary.canonical(name), *vocabulary.hypernyms(name))

        return cls.build(vocabulary.class_names, vocabulary.object_names, kinds)

    def beliefs(self, probabilities: FloatArray) -> FloatArray:
        """The sum of the class probabilities below each concept.  Shapes: (..., C) -> (..., K)."""
        flat = probabilities.reshape(-1, probabilities.shape[-1])
        sums = np.asarray((self.membership @ flat.T).T, dtype=np.float32)
        return sums.reshape(*probabilities.shape[:-1], len(self.concepts))

    def is_a(self, name: str, kind: str) -> bool:
        """Whether a noun is, or is a kind of, another."""
        return kind in self.kinds.get(name, (name,))

    def any_of(self, name: str, kinds: frozenset[str]) -> bool:
        """Whether a noun is one of `kinds`, or a kind of one of them."""
        return not kinds.isdisjoint(self.kinds.get(name, (name,)))
