"""`Vocabulary`: how the labels, attributes and relations of a query compare with those of a candidate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from scenograph.scene.vocabulary.predicates import Predicates
from scenograph.scene.vocabulary.tables import read_coco, read_imagenet, read_near, read_tree
from scenograph.scene.vocabulary.taxonomy import GENERAL, Taxonomy
from scenograph.scene.vocabulary.words import Attributes, Nouns, Words

NARROWED = GENERAL  # what a query word keeps that says more than its concept ("beach towel" met by "towel")

Similarities = npt.NDArray[np.float32]


class Vocabulary:
    """The word tables. Every similarity is in [0, 1], or NaN: "not in the tables, ask the text encoder".

    A similarity has a direction: 1 means that the candidate is what the query asks for ("dog" is met by
    "puppy"), less that it may be ("puppy" by "dog": 0.75), 0 that it is something else ("dog" by "cat").
    """

    def __init__(self) -> None:
        nouns = read_tree("nouns.txt")
        self.class_names = read_imagenet(nouns)
        self.object_names = read_coco()
        self._nouns = Nouns(Taxonomy(nouns, read_near("near.txt"), basic=self.object_names))
        attributes = Taxonomy(read_tree("attributes.txt"), read_near("attributes_near.txt"), all_closed=True)
        self._attributes = Attributes(attributes)
        self._predicates = Predicates()

    @classmethod
    def load(cls) -> Vocabulary:
        """The one instance (the tables are read once)."""
        return _load()

    # Labels.

    def known(self, label: str) -> bool:
        """Whether the tables have the label, or the head of the compound."""
        return self._nouns.find(label).concept >= 0

    def listed(self, label: str) -> bool:
        """Whether the tables have the label itself, in the singular or the plural."""
        found = self._nouns.find(label)
        return found.concept >= 0 and not found.narrowed

    def canonical(self, label: str) -> str:
        """The name of the label's concept ("puppies" -> "puppy", "sofa" -> "couch"), else the plain label."""
        return self._nouns.find(label).text

    def hypernyms(self, label: str) -> tuple[str, ...]:
        """What the label is a kind of, nearest first ("puppy" -> "dog", "mammal", "animal")."""
        found = self._nouns.find(label)
        if found.concept < 0:
            return ()
        taxonomy = self._nouns.taxonomy
        above = tuple(taxonomy.names[index] for index in taxonomy.ancestors(found.concept))
        return (taxonomy.names[found.concept], *above) if found.narrowed else above

    def is_a(self, label: str, kind: str) -> bool:
        """Whether the label is that kind, or one of its kinds."""
        return self.canonical(label) == kind or kind in self.hypernyms(label)

    def label_similarity(self, query: str, candidate: str) -> float:
        """How well a candidate's label meets the query's: in [0, 1], or NaN."""
        return float(self.label_similarities([query], [candidate])[0, 0])

    def label_similarities(self, queries: Sequence[str], candidates: Sequence[str]) -> Similarities:
        """`label_similarity` of all pairs. Shapes: (Nq,), (Nc,) -> float32 (Nq, Nc)."""
        return _word_similarities(self._nouns, queries, candidates)

    # Attributes.

    def is_attribute(self, word: str) -> bool:
        """Whether the tables have the attribute itself."""
        found = self._attributes.find(word)
        return found.concept >= 0 and not found.narrowed

    def canonical_attribute(self, attribute: str) -> str:
        """The name of the attribute's concept ("crimson" stays, "scarlet" -> "crimson", "big" -> "large")."""
        return self._attributes.find(attribute).text

    def dimensions(self, attribute: str) -> frozenset[str]:
        """What the attribute is a value of ("red" of "colour"); none where the tables have it not."""
        taxonomy, found = self._attributes.taxonomy, self._attributes.find(attribute)
        if found.concept < 0:
            return frozenset()
        return frozenset(taxonomy.names[root] for root in taxonomy.roots(found.concept))

    def attribute_similarity(self, query: str, candidate: str) -> float:
        """How well a candidate's attribute meets the query's: in [0, 1], or NaN. Other dimensions give 0."""
        return float(self.attribute_similarities([query], [candidate])[0, 0])

    def attribute_similarities(self, queries: Sequence[str], candidates: Sequence[str]) -> Similarities:
        """`attribute_similarity` of all pairs. Shapes: (Nq,), (Nc,) -> float32 (Nq, Nc)."""
        return _word_similarities(self._attributes, queries, candidates)

    def contradicts(self, query: str, candidate: str) -> bool:
        """Whether the two cannot be true of one thing ("red" and "blue"; not "red" and "large")."""
        taxonomy = self._attributes.taxonomy
        one, other = self._attributes.find(query).concept, self._attributes.find(candidate).concept
        if one < 0 or other < 0 or not taxonomy.exclusive[one] & taxonomy.exclusive[other]:
            return False
        return (
            max(self.attribute_similarity(query, candidate), self.attribute_similarity(candidate, query))
            == 0.0
        )

    # Relations.

    def canonical_predicate(self, predicate: str) -> str:
        """The relation in normal form: participle and preposition ("sits on top of" -> "sitting on")."""
        return self._predicates.canonical(predicate)

    def inverse(self, predicate: str) -> str | None:
        """The relation seen from the other end ("left of" -> "right of"), where there is a word for it."""
        return self._predicates.inverse(predicate)

    def predicate_similarity(self, query: str, candidate: str) -> float:
        """How well a candidate's relation meets the query's: in [0, 1], or NaN ("on" is met by "riding")."""
        return self._predicates.similarity(query, candidate)

    def predicate_similarities(self, queries: Sequence[str], candidates: Sequence[str]) -> Similarities:
        """`predicate_similarity` of all pairs. Shapes: (Eq,), (Ec,) -> float32 (Eq, Ec)."""
        return _pairwise(self._predicates.similarity, queries, candidates)


@lru_cache(maxsize=1)
def _load() -> Vocabulary:
    return Vocabulary()


def _word_similarities(words: Words, queries: Sequence[str], candidates: Sequence[str]) -> Similarities:
    found = [words.find(candidate) for candidate in candidates]
    concepts = np.fromiter((word.concept for word in found), dtype=np.intp, count=len(found))
    result = np.full((len(queries), len(found)), np.nan, dtype=np.float32)
    for row, query in zip(result, map(words.find, queries), strict=True):
        if query.concept >= 0:
            row[:] = words.taxonomy.row(query.concept)[concepts]
            if not query.narrowed:
                continue
            row *= NARROWED
        row[np.fromiter((word.text == query.text for word in found), dtype=np.bool_, count=len(found))] = 1.0
    return result


def _pairwise(
    similarity: Callable[[str, str], float], queries: Sequence[str], candidates: Sequence[str]
) -> Similarities:
    places = {candidate: index for index, candidate in enumerate(dict.fromkeys(candidates))}
    distinct = np.array(
        [[similarity(query, candidate) for candidate in places] for query in queries], dtype=np.float32
    )
    chosen = np.fromiter(
        (places[candidate] for candidate in candidates), dtype=np.intp, count=len(candidates)
    )
    return distinct.reshape(len(queries), len(places))[:, chosen]
