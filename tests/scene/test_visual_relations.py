"""Relations by what things are and where they are, and the merging of what two models saw."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from scenograph.scene.graph import Box
from scenograph.scene.visual_detection import Detections
from scenograph.scene.visual_objects import Found, name_objects, settle
from scenograph.scene.visual_regions import Evidence, Region
from scenograph.scene.visual_relations import MAX_EDGES, Thing, relate
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.vocabulary import Vocabulary

LEFT, RIGHT = Box(0.1, 0.2, 0.3, 0.9), Box(0.6, 0.2, 0.8, 0.9)


@pytest.fixture(scope="module")
def words() -> Taxonomy:
    return Taxonomy.from_vocabulary(Vocabulary.load())


def person(box: Box) -> Thing:
    return Thing("person", box, 0.9)


CASES = [
    ("riding", person(Box(0.4, 0.1, 0.6, 0.7)), Thing("horse", Box(0.2, 0.4, 0.8, 0.95), 0.9)),
    ("riding", person(Box(0.4, 0.1, 0.6, 0.7)), Thing("mountain bike", Box(0.3, 0.4, 0.7, 0.95), 0.9)),
    ("riding", person(Box(0.4, 0.1, 0.6, 0.8)), Thing("skateboard", Box(0.35, 0.78, 0.65, 0.86), 0.8)),
    ("holding", person(Box(0.2, 0.1, 0.6, 1.0)), Thing("cell phone", Box(0.3, 0.3, 0.36, 0.4), 0.7)),
    ("holding", person(Box(0.4, 0.4, 0.6, 1.0)), Thing("umbrella", Box(0.25, 0.1, 0.75, 0.45), 0.7)),
    ("holding", Thing("golden retriever", LEFT, 0.9), Thing("frisbee", Box(0.25, 0.3, 0.35, 0.36), 0.7)),
    ("carrying", person(Box(0.2, 0.1, 0.6, 1.0)), Thing("handbag", Box(0.25, 0.5, 0.35, 0.65), 0.7)),
    ("wearing", person(Box(0.2, 0.1, 0.6, 1.0)), Thing("tie", Box(0.38, 0.3, 0.42, 0.5), 0.7)),
    ("sitting on", person(Box(0.3, 0.2, 0.5, 0.7)), Thing("couch", Box(0.1, 0.5, 0.9, 0.95), 0.7)),
    ("in", person(Box(0.4, 0.3, 0.5, 0.45)), Thing("car", Box(0.2, 0.2, 0.8, 0.8), 0.7)),
    ("in", Thing("coffee", Box(0.4, 0.4, 0.5, 0.5), 0.8), Thing("cup", Box(0.35, 0.35, 0.55, 0.7), 0.9)),
    ("on", Thing("cup", Box(0.4, 0.3, 0.5, 0.52), 0.9), Thing("dining table", Box(0.1, 0.5, 0.9, 0.9), 0.8)),
]


@pytest.mark.parametrize(("predicate", "subject", "other"), CASES)
def test_what_things_are_decides_first(predicate: str, subject: Thing, other: Thing, words: Taxonomy) -> None:
    (edge,) = relate([other, subject], words)
    assert (edge.subject, edge.predicate, edge.object) == (1, predicate, 0)
    assert 0 < edge.score <= min(subject.score, other.score)


def test_a_person_behind_a_table_is_not_on_it(words: Taxonomy) -> None:
    things = [person(Box(0.3, 0.1, 0.6, 0.55)), Thing("dining table", Box(0.1, 0.5, 0.9, 0.95), 0.9)]
    assert all(edge.predicate != "on" for edge in relate(things, words))


def test_one_thing_has_one_holder(words: Taxonomy) -> None:
    phone = Thing("cell phone", Box(0.38, 0.4, 0.42, 0.46), 0.9)
    things = [person(Box(0.1, 0.1, 0.45, 1.0)), person(Box(0.35, 0.1, 0.8, 1.0)), phone]
    holders = [edge for edge in relate(things, words) if edge.predicate == "holding"]
    assert len(holders) == 1


def test_beings_are_on_or_in_places(words: Taxonomy) -> None:
    grass = Thing("grass", Box(0.0, 0.5, 1.0, 1.0), 0.6, scene=True)
    water = Thing("water", Box(0.0, 0.4, 1.0, 1.0), 0.6, scene=True)
    dog = Thing("dog", Box(0.3, 0.4, 0.6, 0.9), 0.9)
    assert [edge.predicate for edge in relate([dog, grass], words)] == ["on"]
    assert [edge.predicate for edge in relate([dog, water], words)] == ["in"]
    church = Thing("church", Box(0.0, 0.1, 1.0, 0.9), 0.6, scene=True)
    assert [edge.predicate for edge in relate([dog, church], words)] == ["in front of"]
    field = Thing("beach", Box(0.0, 0.2, 1.0, 1.0), 0.9, scene=True)
    (edge,) = relate([dog, field, grass], words)
    assert edge.object == 2  # the smaller place
    flying = Thing("bird", Box(0.3, 0.0, 0.4, 0.1), 0.9)
    assert relate([flying, grass], words) == []


def test_a_crowd_has_few_edges_one_a_pair_best_first(words: Taxonomy) -> None:
    rng = np.random.default_rng(3)
    things = []
    for _ in range(20):
        x, y = rng.uniform(0, 0.8, 2).tolist()
        things.append(person(Box(x, y, x + 0.15, y + 0.2)))
    edges = relate(things, words)
    assert 0 < len(edges) <= MAX_EDGES
    pairs = [frozenset((edge.subject, edge.object)) for edge in edges]
    assert len(set(pairs)) == len(pairs)
    assert all(one.score >= other.score for one, other in pairwise(edges))
    assert relate(things, words) == edges


def seen(words: Taxonomy, classifier: dict[str, float]) -> Evidence:
    """A classifier that believes the same everywhere."""
    probabilities = np.full(1000, 1e-6, dtype=np.float32)
    for name, belief in classifier.items():
        probabilities[words.class_names.index(name)] = belief
    return Evidence.of(probabilities, np.broadcast_to(probabilities, (3, 3, 1000)), words)


def detected(words: Taxonomy, **scores: float) -> Detections:
    """One box that the detector gives these scores; the best is its class."""
    row = np.zeros((1, 80), dtype=np.float32)
    for name, score in scores.items():
        row[0, words.object_names.index(name)] = score
    best = row.argmax(axis=1)
    box = np.array([[0.2, 0.2, 0.8, 0.8]], dtype=np.float32)
    return Detections(box, best, row[0, best], row)


def test_a_bear_that_is_a_poodle_is_a_dog(words: Taxonomy) -> None:
    evidence = seen(words, {"toy poodle": 0.3, "beagle": 0.3})
    (found,) = name_objects(detected(words, bear=0.9, dog=0.2), evidence, words)
    assert found.name == "dog"
    (found,) = name_objects(detected(words, bear=0.9, dog=0.2), seen(words, {"brown bear": 0.4}), words)
    assert found.name == "bear"


def test_a_dog_of_a_certain_breed_is_named_by_it(words: Taxonomy) -> None:
    (found,) = name_objects(detected(words, dog=0.9), seen(words, {"golden retriever": 0.8}), words)
    assert found.name == "golden retriever"
    assert found.score == pytest.approx(0.9)


def test_things_of_one_place_are_one_thing(words: Taxonomy) -> None:
    one = detected(words, truck=0.8)
    both = Detections(
        np.repeat(one.boxes, 2, axis=0),
        np.array([one.classes[0], words.object_names.index("bus")]),
        np.array([0.8, 0.5], dtype=np.float32),
        np.repeat(one.class_scores, 2, axis=0),
    )
    assert [found.name for found in name_objects(both, seen(words, {}), words)] == ["truck"]


def test_a_region_gives_way_to_an_object_that_says_the_same(words: Taxonomy) -> None:
    objects = [Found("dog", LEFT, 0.9)]
    kept, regions, _ = settle(objects, [Region("poodle", 0.8, RIGHT), Region("beach", 0.5, RIGHT)], words)
    assert kept == objects
    assert [region.name for region in regions] == ["beach"]


def test_of_two_animals_in_one_place_the_surer_word_stays(words: Taxonomy) -> None:
    objects, regions, refuted = settle([Found("bear", LEFT, 0.4)], [Region("monkey", 0.8, LEFT)], words)
    assert [(found.name, found.score) for found in objects] == [("monkey", 0.8)]
    assert regions == refuted == []
    objects, regions, refuted = settle([Found("horse", LEFT, 0.9)], [Region("dog", 0.4, LEFT)], words)
    assert [found.name for found in objects] == ["horse"]
    assert regions == []
    assert [region.name for region in refuted] == ["dog"]
