"""Words for graphs."""

from __future__ import annotations

import pytest
from hypothesis import given
from tests.language import text_parser
from tests.strategies import scene_graphs

from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph, Tag
from scenograph.scene.query import parse_graph_query
from scenograph.scene.verbalise import describe, noun_phrase, pluralise


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("(dog)", "a dog"),
        ("(apple)", "an apple"),
        ("(dog)-[on]->(sofa {red})", "a dog on a red sofa"),
        ("(2 dog {black})", "two black dogs"),
        ("(3 child), (12 sheep)", "three children, 12 sheep"),
        ("(man)-[riding]->(horse)-[on]->(beach)", "a man riding a horse on a beach"),
        ("(d: dog)-[on]->(sofa), (d)-[next to]->(cat)", "a dog on a sofa and next to a cat"),
        ("(dog)-[in]->(snow)", "a dog in snow"),
        ("(sofa {not red})", "a sofa that is not red"),
        ("(girl {looking down})", "a girl looking down"),
        ("(man)-[not riding]->(horse)", "a man not riding a horse"),
        ("(c: cat)-[chasing]->(d: dog), (d)-[chasing]->(c)", "a cat chasing a dog chasing the cat"),
    ],
)
def test_describes(query: str, words: str) -> None:
    assert describe(parse_graph_query(query).required) == words


def test_describes_what_a_sentence_says() -> None:
    (graph,) = text_parser().parse(["Two puppies without a hat"])
    assert describe(graph) == "two puppies with no hat"
    (graph,) = text_parser().parse(["puppies"])
    assert describe(graph) == "puppies"


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Node("people", attributes=(Attribute("tall"), Attribute("group of"))), "a group of tall people"),
        (Node("men", lemma="man", attributes=(Attribute("group of"),)), "a group of men"),
        (Node("cake", attributes=(Attribute("slice"),)), "a slice cake"),
    ],
)
def test_groups_stand_before_what_they_are_of(node: Node, words: str) -> None:
    assert noun_phrase(node) == words


def test_an_image_without_objects_is_its_tags() -> None:
    assert describe(SceneGraph(tags=(Tag("beach", 0.5), Tag("sand", 0.3)))) == "beach, sand"
    assert describe(SceneGraph()) == ""


def test_long_chains() -> None:
    nodes = tuple(Node("dog") for _ in range(3000))
    edges = tuple(Edge(index, "on", index + 1) for index in range(2999))
    assert describe(SceneGraph(nodes, edges)).count("on") == 2999


def test_blanks_at_the_ends_of_labels_are_not_told() -> None:
    assert noun_phrase(Node("0 ")) == describe(SceneGraph((Node("0 "),))) == "a 0"


@given(scene_graphs())
def test_every_thing_and_relation_is_told(graph: SceneGraph) -> None:
    words = describe(graph)
    for edge in graph.edges:
        assert edge.predicate in words
    assert (words == "") == (not graph.nodes)
    for node in graph.nodes:
        assert node.label in words or noun_phrase(node) in words


def test_plurals() -> None:
    assert [
        pluralise(noun) for noun in ("dog", "bench", "puppy", "boy", "traffic light", "man", "glasses")
    ] == [
        "dogs",
        "benches",
        "puppies",
        "boys",
        "traffic lights",
        "men",
        "glasses",
    ]
