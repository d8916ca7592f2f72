"""What learned heads add to a visual graph."""

from __future__ import annotations

import numpy as np
import pytest

from scenograph.scene.graph import Attribute, Box, Edge, Node, SceneGraph
from scenograph.scene.visual_heads import HeadPlaces, attribute_inputs, head_places, relation_inputs
from scenograph.scene.visual_learned import MAX_EDGES, SURE_ROLE, Kinds, with_attributes, with_relations
from scenograph.scene.visual_pairs import near_pairs, union_weights
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.visual_units import GRID, Places, grid
from scenograph.scene.visual_words import HeadWords
from scenograph.scene.vocabulary import Vocabulary

WORDS = HeadWords(
    ("adult", "woman", "man", "skier", "red", "blue", "sitting", "standing", "young", "headgear", "hat"),
    (0.5, 0.6, 0.6, 0.5, 0.3, 0.3, 0.3, 0.3, 0.5, 0.4, 0.4),
    {"names": 4, "attributes": 5, "worn": 2},
)
KINDS = Kinds.of(WORDS, Vocabulary.load())
TAXONOMY = Taxonomy.from_vocabulary(Vocabulary.load())
PREDICATES = HeadWords(("riding", "next to"), (0.4, 0.5), {"predicates": 2})
GRAPH = SceneGraph(
    (
        Node("person", score=0.8, box=Box(0.1, 0.1, 0.5, 0.9), attributes=(Attribute("green", 0.7),)),
        Node("horse", "", (Attribute("brown", 0.6), Attribute("large", 0.5)), 0.9, Box(0.2, 0.4, 0.9, 1.0)),
        Node("beach", score=0.5, box=Box(0.0, 0.5, 1.0, 1.0)),
    ),
    (Edge(0, "riding", 1, 0.3), Edge(1, "on", 2, 0.4)),
)  # fmt: skip
PLACES = HeadPlaces(np.array([0, 1]), np.array([3, 0]), np.array([[0, 1], [1, 0]]))


def _row(**said: float) -> list[float]:
    return [said.get(word, 0.0) for word in WORDS.words]


def _told(*rows: list[float]) -> SceneGraph:
    return with_attributes(GRAPH, PLACES, np.array(rows, np.float32), WORDS, KINDS)


def test_people_get_the_most_specific_name_that_is_sure() -> None:
    assert _told(_row(adult=0.9, woman=0.7), _row()).nodes[0].label == "woman"
    assert _told(_row(adult=0.9, woman=0.5, man=0.4), _row()).nodes[0].label == "adult"
    assert _told(_row(woman=0.65, man=0.7), _row()).nodes[0].label == "man"
    assert _told(_row(adult=0.4), _row()).nodes[0].label == "person"


def test_people_are_called_by_what_they_surely_do() -> None:
    assert _told(_row(adult=0.9, man=0.8, skier=SURE_ROLE + 0.05), _row()).nodes[0].label == "skier"
    assert _told(_row(adult=0.9, man=0.8, skier=0.6), _row()).nodes[0].label == "man"


def test_only_people_have_names_and_clothes() -> None:
    graph = _told(_row(), _row(woman=0.9, hat=0.9))
    assert [node.label for node in graph.nodes] == ["person", "horse", "beach"]
    assert graph.edges == GRAPH.edges


def test_the_head_decides_the_colours_that_it_has_learned() -> None:
    node = Node("person", "", (Attribute("green", 0.7), Attribute("blue", 0.3)), 0.8, GRAPH.nodes[0].box)
    graph = SceneGraph((node, *GRAPH.nodes[1:]))
    told = with_attributes(graph, PLACES, np.array([_row(red=0.5), _row()]), WORDS, KINDS)
    assert told.nodes[0].attributes == (Attribute("green", 0.7), Attribute("red", 0.5))


def test_attributes_are_added() -> None:
    graph = _told(_row(), _row(young=0.6))
    assert {one.name for one in graph.nodes[1].attributes} == {"young", "brown", "large"}


def test_of_contradictions_the_likeliest_stays() -> None:
    names = [one.name for one in _told(_row(sitting=0.4, standing=0.6), _row()).nodes[0].attributes]
    assert names == ["green", "standing"]


def test_clothes_are_nodes_of_the_colours_and_in_the_place_of_who_wears_them() -> None:
    graph = _told(_row(headgear=0.8, hat=0.5, young=0.9), _row())
    green = (Attribute("green", 0.7),)
    assert graph.nodes[3] == Node("hat", attributes=green, score=0.4, box=GRAPH.nodes[0].box)
    assert graph.edges[-1] == Edge(0, "wearing", 3, score=0.4)


def test_what_sits_and_is_on_a_beach_is_sitting_on_it() -> None:
    graph = _told(_row(), _row(sitting=0.5))
    assert graph.edges == (*GRAPH.edges, Edge(1, "sitting on", 2, 0.2))
    assert _told(_row(sitting=0.5), _row()).edges == GRAPH.edges


def test_relations_are_added_or_made_surer() -> None:
    graph = with_relations(GRAPH, PLACES, np.array([[0.9, 0.1], [0.2, 0.6]], np.float32), PREDICATES)
    assert set(graph.edges) == {
        Edge(0, "riding", 1, 0.72), Edge(1, "next to", 0, 0.48), Edge(1, "on", 2, 0.4),
    }  # fmt: skip
    doubtful = with_relations(GRAPH, PLACES, np.array([[0.39, 0.49]] * 2, np.float32), PREDICATES)
    assert set(doubtful.edges) == set(GRAPH.edges)


def test_the_surest_relations_stay() -> None:
    many = SceneGraph((Node("dog"),) * 40, tuple(Edge(0, "near", at, at / 100) for at in range(1, 40)))
    kept = with_relations(many, PLACES, np.zeros((2, 2), np.float32), PREDICATES).edges
    assert len(kept) == MAX_EDGES
    assert min(edge.score for edge in kept) == 0.08


def test_nodes_meet_the_regions_that_are_theirs() -> None:
    boxes = np.array([[0.2, 0.4, 0.9, 1.0], [0.6, 0.0, 0.9, 0.2], [0.1, 0.12, 0.5, 0.9]], np.float32)
    places = Places(
        np.concatenate([boxes, grid(GRID)]), np.zeros((19, 80), np.float32), np.repeat([1.0, 0.0], [3, 16])
    )  # fmt: skip
    found = head_places(GRAPH, places, TAXONOMY)
    assert found.nodes.tolist() == [0, 1]
    assert found.regions.tolist() == [2, 0]
    assert found.pairs.tolist() == [[0, 1], [1, 0]]
    assert not len(head_places(SceneGraph(), places, TAXONOMY).nodes)


def test_the_nearest_pairs_come_first() -> None:
    boxes = np.array([[0, 0, 0.1, 0.1], [0.8, 0.8, 1, 1], [0.1, 0, 0.2, 0.1]], np.float32)
    assert near_pairs(boxes, limit=2).tolist() == [[0, 2], [2, 0]]
    assert near_pairs(boxes).shape == (2, 6)
    assert near_pairs(boxes[:1]).shape == (2, 0)


def test_the_box_around_two_weighs_the_cells_it_covers() -> None:
    first, second = np.array([[0, 0, 0.25, 0.25]], np.float32), np.array([[0.25, 0, 0.375, 0.25]], np.float32)
    weights = union_weights(first, second)[0]
    assert weights[:2] == pytest.approx([2 / 3, 1 / 3], abs=1e-3)
    assert weights.sum() == pytest.approx(1)


def test_feeds_of_regions_and_pairs() -> None:
    rng = np.random.default_rng(0)
    units = 3 + GRID * GRID
    seen = {
        "backbone": rng.random((1, units, 4)), "detector": rng.random((1, units, 4)),
        "scores": rng.random((1, units, 80)), "boxes": rng.random((1, units, 4)),
        "region": np.repeat([1.0, 0.0], [3, GRID * GRID])[None], "pooled": np.arange(16.0)[None],
    }  # fmt: skip
    feeds = attribute_inputs(seen, np.array([2, 0]))
    assert feeds["whole_backbone"].tolist() == [[0, 1, 2, 3]] * 2
    assert feeds["whole_detector"].tolist() == [[8, 9, 10, 11]] * 2
    np.testing.assert_array_equal(feeds["scores"], seen["scores"][0, [2, 0]])
    whole = np.array([[0.0, 0.0, 1.0, 1.0]] * 2)
    seen["boxes"][0, :2] = whole
    pairs = relation_inputs(seen, np.array([0, 1]), np.array([[0], [1]]))
    np.testing.assert_allclose(pairs["union_backbone"][0], seen["backbone"][0, 3:].mean(axis=0), rtol=1e-5)


def test_words_are_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("words") / "words.json"
    WORDS.save(file)
    assert HeadWords.load(file) == WORDS
    assert list(WORDS.places("attributes")) == [4, 5, 6, 7, 8]
    assert not WORDS.places("predicates")
    with pytest.raises(ValueError, match="differ in number"):
        HeadWords(("red",), (0.1, 0.2), {"attributes": 1})
