"""The word tables: what meets what, that they are sound, and that they cover what the models can say."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import labels as any_labels

from scenograph.scene.vocabulary import Vocabulary, participle, singulars
from scenograph.scene.vocabulary.tables import read_near, read_tree

V = Vocabulary.load()
UNKNOWN = math.nan


def same(found: float, expected: float) -> bool:
    return (math.isnan(found) and math.isnan(expected)) or found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("query", "candidate", "expected"),
    [
        ("dog", "dog", 1.0),
        ("Dogs", "dog", 1.0),
        ("a dog", "dog", 1.0),
        ("dog", "puppy", 1.0),
        ("dog", "golden retriever", 1.0),
        ("puppy", "dog", 0.75),
        ("dog", "cat", 0.0),
        ("animal", "giraffe", 1.0),
        ("person", "man", 1.0),
        ("person", "girl", 1.0),
        ("people", "women", 1.0),
        ("man", "person", 0.75),
        ("skateboarder", "person", 0.75),
        ("man", "woman", 0.2),
        ("boy", "man", 0.6),
        ("bike", "bicycle", 1.0),
        ("couch", "sofa", 1.0),
        ("tv", "television", 1.0),
        ("airplane", "plane", 1.0),
        ("ball", "sports ball", 1.0),
        ("tennis ball", "sports ball", 0.75),
        ("soccer ball", "tennis ball", 0.0),
        ("cellphone", "cell phone", 1.0),
        ("vehicle", "fire truck", 1.0),
        ("ocean", "seashore", 0.6),
        ("beach towel", "beach towels", 1.0),
        ("garden bench", "bench", 0.75),
        ("bench", "garden bench", 1.0),
        ("group of dogs", "group", 0.75),
        ("dog", "bench", 0.0),
        ("dog", "street", UNKNOWN),
        ("dog", "zorgle", UNKNOWN),
        ("zorgle", "zorgles", 1.0),
        ("zorgle", "dog", UNKNOWN),
    ],
)
def test_labels(query: str, candidate: str, expected: float) -> None:
    assert same(V.label_similarity(query, candidate), expected)


@pytest.mark.parametrize(
    ("query", "candidate", "expected", "contradicts"),
    [
        ("red", "red", 1.0, False),
        ("red", "crimson", 1.0, False),
        ("crimson", "red", 0.75, False),
        ("red", "blue", 0.0, True),
        ("blue", "red", 0.0, True),
        ("grey", "gray", 1.0, False),
        ("red", "red colored", 1.0, False),
        ("light blue", "blue", 0.75, False),
        ("blue", "light blue", 1.0, False),
        ("big", "large", 1.0, False),
        ("large", "small", 0.0, True),
        ("red", "large", 0.0, False),
        ("young", "old", 0.0, True),
        ("wooden", "metal", 0.0, True),
        ("running", "jogging", 1.0, False),
        ("standing", "sitting", 0.0, True),
        ("playing", "eating", 0.0, False),
        ("zorgly", "red", UNKNOWN, False),
        ("zorgly", "zorgly", 1.0, False),
    ],
)
def test_attributes(query: str, candidate: str, expected: float, contradicts: bool) -> None:
    assert same(V.attribute_similarity(query, candidate), expected)
    assert V.contradicts(query, candidate) is contradicts


@pytest.mark.parametrize(
    ("query", "candidate", "expected"),
    [
        ("on", "on", 1.0),
        ("on", "on top of", 1.0),
        ("on", "sitting on", 1.0),
        ("on", "riding", 1.0),
        ("riding", "on", 0.75),
        ("sitting on", "on", 0.75),
        ("sitting on", "sits on top of", 1.0),
        ("sitting on", "standing on", 0.5),
        ("sitting on", "sitting in", 0.7),
        ("with", "holding", 1.0),
        ("with", "wearing", 1.0),
        ("in", "wearing", 1.0),
        ("next to", "holding", 0.6),
        ("near", "beside", 1.0),
        ("left of", "to the left of", 1.0),
        ("left of", "right of", 0.0),
        ("above", "below", 0.0),
        ("in front of", "behind", 0.0),
        ("watching", "looking at", 1.0),
        ("wears", "wearing", 1.0),
        ("is riding", "ride", 1.0),
        ("on", "zorging on", 1.0),
        ("zorging", "on", UNKNOWN),
        ("zorging", "zorging", 1.0),
    ],
)
def test_relations(query: str, candidate: str, expected: float) -> None:
    assert same(V.predicate_similarity(query, candidate), expected)


@pytest.mark.parametrize(
    ("written", "canonical", "inverse"),
    [
        ("to the left of", "left of", "right of"),
        ("under", "below", "above"),
        ("on top of", "on", "below"),
        ("sits on top of", "sitting on", None),
        ("beside", "next to", "next to"),
        ("rides", "riding", "ridden by"),
        ("was carrying", "carrying", "carried by"),
        ("behind", "behind", "in front of"),
        ("in front of", "in front of", "behind"),
    ],
)
def test_normal_form_and_inverse(written: str, canonical: str, inverse: str | None) -> None:
    assert V.canonical_predicate(written) == canonical
    assert V.inverse(written) == inverse


def test_hypernyms() -> None:
    assert V.hypernyms("puppy")[0] == "dog"
    assert {"dog", "animal"} <= set(V.hypernyms("golden retriever"))
    assert V.hypernyms("garden bench")[0] == "bench"
    assert V.hypernyms("zorgle") == ()
    assert V.is_a("girls", "person") and V.is_a("person", "person") and not V.is_a("dog", "person")
    assert V.canonical("puppies") == "puppy" and V.canonical("sofa") == "couch"


@pytest.mark.parametrize("names", [V.object_names, V.class_names], ids=["coco", "imagenet"])
def test_every_name_of_a_model_is_listed(names: tuple[str, ...]) -> None:
    assert [name for name in names if not V.listed(name)] == []
    for name in names:
        assert V.label_similarity(name, name) == 1.0


def test_imagenet_ranges() -> None:
    names = V.class_names
    assert len(names) == 1000 and len(V.object_names) == 80
    # Dogs, cats, snakes, monkeys stand in unbroken ranges of the class order.
    for kind, start, stop in (
        ("dog", 151, 269),
        ("cat", 281, 286),
        ("snake", 52, 69),
        ("bear", 294, 298),
        ("fungus", 991, 998),
    ):
        assert [name for name in names[start:stop] if V.label_similarity(kind, name) != 1.0] == []
    for index, kind in (
        (207, "dog"),
        (817, "car"),
        (555, "truck"),
        (852, "ball"),
        (779, "bus"),
        (625, "boat"),
        (404, "airplane"),
    ):
        assert V.label_similarity(kind, names[index]) == 1.0, names[index]
    assert not any(V.label_similarity("person", name) == 1.0 for name in names[:398])
    assert all(V.is_a(name, "animal") for name in names[:398])


def test_tables_are_sound() -> None:
    for tree, near in (
        ("nouns.txt", "near.txt"),
        ("attributes.txt", "attributes_near.txt"),
        ("prepositions.txt", "prepositions_near.txt"),
        ("verbs.txt", "verbs_near.txt"),
    ):
        entries = read_tree(tree)
        owner = {name: name for name in entries}
        for entry in entries.values():
            assert all(parent in entries for parent in entry.parents), entry
            for synonym in entry.synonyms:
                assert owner.setdefault(synonym, entry.name) == entry.name, (
                    f"{tree}: {synonym} has two owners"
                )
            # No concept is above itself.
            above, waiting = set(), list(entry.parents)
            while waiting:
                parent = waiting.pop()
                assert parent != entry.name, f"{tree}: {entry.name} is its own kind"
                if parent not in above:
                    above.add(parent)
                    waiting += entries[parent].parents
        for a, b, score in read_near(near):
            assert a in owner and b in owner and 0 <= score < 1, (near, a, b)


@given(
    st.lists(any_labels | st.sampled_from(V.class_names), min_size=1, max_size=5),
    st.lists(any_labels | st.sampled_from(V.object_names), max_size=5),
)
def test_vectorised_equals_single(queries: list[str], candidates: list[str]) -> None:
    kinds: list[tuple[Callable[[list[str], list[str]], np.ndarray], Callable[[str, str], float]]] = [
        (V.label_similarities, V.label_similarity),
        (V.attribute_similarities, V.attribute_similarity),
        (V.predicate_similarities, V.predicate_similarity),
    ]
    for many, one in kinds:
        found = many(queries, candidates)
        assert found.shape == (len(queries), len(candidates)) and found.dtype == np.float32
        for row, query in zip(found, queries, strict=True):
            for value, candidate in zip(row, candidates, strict=True):
                assert same(float(value), one(query, candidate))
                assert math.isnan(value) or 0.0 <= value <= 1.0


@given(st.sampled_from(V.object_names + V.class_names), st.sampled_from(V.object_names + V.class_names))
def test_a_kind_meets_its_kinds(one: str, other: str) -> None:
    if V.is_a(other, V.canonical(one)):
        assert V.label_similarity(one, other) == 1.0
    if V.label_similarity(one, other) == 1.0:
        assert V.label_similarity(other, one) != 0.0


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("run", "running"),
        ("ride", "riding"),
        ("sit", "sitting"),
        ("play", "playing"),
        ("lie", "lying"),
        ("see", "seeing"),
        ("eat", "eating"),
        ("bring", "bringing"),
        ("sing", "singing"),
        ("swing", "swinging"),
        ("riding", "riding"),
        ("mimic", "mimicking"),
    ],
)
def test_participles(verb: str, form: str) -> None:
    assert participle(verb) == form


def test_plurals() -> None:
    for plural, singular in (
        ("dogs", "dog"),
        ("puppies", "puppy"),
        ("benches", "bench"),
        ("tomatoes", "tomato"),
        ("men", "man"),
        ("traffic lights", "traffic light"),
        ("cookies", "cookie"),
        ("shoes", "shoe"),
    ):
        assert singular in singulars(plural)
    for word in ("bus", "grass", "tennis", "gas"):
        assert singulars(word) == []
