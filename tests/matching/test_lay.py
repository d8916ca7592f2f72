"""Laying graphs on graphs against a search of every assignment."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph, Tag
from scenograph.scene.matching_lay import NOBODY, Compared, Layer, LayWeights
from scenograph.scene.matching_parts import Parts
from scenograph.scene.matching_people import People, agreement
from scenograph.scene.vocabulary import Vocabulary

PLAIN = LayWeights(sure=1.0, shared=0.0, least=0.0, attribute=0.0, context=0.0)


def graph(size: int) -> SceneGraph:
    return SceneGraph(tuple(Node(f"n{place}") for place in range(size)))


def compared(label: np.ndarray) -> Compared:
    none = np.zeros((0, label.shape[1]), dtype=np.float32)
    return Compared(label, none, np.zeros((0, 0), np.float32), np.zeros_like(label))


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 5))
def test_the_assignment_is_the_best_of_all(seed: int, ours: int, theirs: int) -> None:
    label = np.random.default_rng(seed).random((ours, theirs)).astype(np.float32)
    laid = Layer(Parts.of([graph(ours)]), Parts.of([graph(theirs)]), compared(label), PLAIN).lay(0, 0)
    columns = [*range(theirs), *[NOBODY] * ours]
    best = max(
        sum(float(label[row, column]) for row, column in enumerate(chosen) if column != NOBODY)
        for chosen in permutations(columns, ours)
    )
    assert sum(laid.node_credit) == pytest.approx(best, abs=1e-5)
    taken = [column for column in laid.node if column != NOBODY]
    assert len(taken) == len(set(taken))


def test_parts_count_through_all_graphs() -> None:
    first = SceneGraph(
        nodes=(Node("dogs", lemma="dog", attributes=(Attribute("wet"),)), Node("sofa", score=0.5)),
        edges=(Edge(0, "on", 1),),
        tags=(Tag("room", 0.4),),
    )
    second = SceneGraph(
        nodes=(Node("cat", negated=True), Node("mat", attributes=(Attribute("red", negated=True),))),
        edges=(Edge(1, "left of", 0, score=0.7),),
    )
    parts = Parts.of([first, second], tags=True, inverse={"left of": "right of"}.get)
    assert parts.names == ("dog", "sofa", "room", "cat", "mat")
    assert parts.nodes_at == (0, 3, 5)
    assert parts.tags_at == (2, 5)
    assert parts.node_score.tolist() == pytest.approx([1.0, 0.5, 0.4, 0.0, 1.0])
    assert parts.attribute_node.tolist() == [0, 4]
    assert parts.attribute_score.tolist() == [1.0, 0.0]
    assert parts.predicates == ("on", "left of", "right of")
    assert parts.edge_ends.tolist() == [[0, 4, 3], [1, 3, 4]]
    assert parts.edge_source == (0, 0, 0)
    assert parts.edges_at == (0, 1, 3)
    assert Parts.of([second], keep_denied=True).node_score.tolist() == [1.0, 1.0]


def test_a_taken_node_still_counts_a_little_and_a_tag_stands_in() -> None:
    ours, theirs = (
        Parts.of([graph(2)]),
        Parts.of([SceneGraph((Node("n"),), tags=(Tag("t", 0.25),))], tags=True),
    )
    label = np.array([[0.9, 0.0], [0.8, 1.0]], dtype=np.float32)
    weights = LayWeights(sure=1.0, shared=0.5, tag=1.0, tag_power=0.5, least=0.0, attribute=0.0, context=0.0)
    laid = Layer(ours, theirs, compared(label), weights).lay(0, 0)
    assert laid.node == [0, 1]  # the tag is number 1, after the only node
    assert laid.node_credit == pytest.approx([0.9, 0.5])
    label[1, 1] = 0.0
    laid = Layer(ours, theirs, compared(label), weights).lay(0, 0)
    assert laid.node == [0, 0]
    assert laid.node_credit == pytest.approx([0.9, 0.4])


def test_graphs_without_parts_are_laid_too() -> None:
    empty, some = Parts.of([SceneGraph()]), Parts.of([graph(2)])
    assert Layer(some, empty, compared(np.zeros((2, 0), np.float32)), PLAIN).lay(0, 0).node == [NOBODY] * 2
    assert Layer(empty, some, compared(np.zeros((0, 2), np.float32)), PLAIN).lay(0, 0).node == []


@pytest.mark.parametrize(
    ("nodes", "count"),
    [
        ((Node("man"), Node("dog")), 1.0),
        ((Node("men", lemma="man", count=2), Node("girl")), 3.0),
        ((Node("boys", lemma="boy"),), 2.5),
        ((Node("group"), Node("people")), 4.0),
        ((Node("person", score=0.4), Node("person", score=0.2)), 0.5),
        ((Node("woman", negated=True),), 0.0),
    ],
)
def test_people_are_counted(nodes: tuple[Node, ...], count: float) -> None:
    assert People(Vocabulary.load()).count(SceneGraph(nodes)) == pytest.approx(count)


def test_agreement_falls_with_distance_both_ways() -> None:
    assert agreement(2, 2) == 1.0
    assert agreement(1, 2) == agreement(2, 1) > agreement(1, 3) > agreement(0, 4) > 0
