"""Where a sentence says the parts of its graph."""

from __future__ import annotations

import numpy as np

from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph, Span
from scenograph.scene.telling import told
from scenograph.scene.text_parts import Spans, text_graph_units, text_inputs, text_parts
from scenograph.scene.units import UnitKind

TEXT = "A red dog chases two red balls on grass"
GRAPH = SceneGraph(
    (
        Node("dog", attributes=(Attribute("red"),), span=Span(6, 9)),
        Node("balls", "ball", attributes=(Attribute("red"),), span=Span(25, 30)),
        Node("grass", span=Span(34, 39)),
        Node("cat", negated=True, span=Span(0, 1)),
    ),
    (Edge(0, "chasing", 1), Edge(0, "on", 2), Edge(0, "near", 2, negated=True)),
)


def _words(spans: Spans) -> list[str]:
    return [TEXT[start:end] for start, end in spans]


def test_objects_attributes_and_relations_have_their_words() -> None:
    parts = text_parts(TEXT, GRAPH).affirmed()
    assert [_words(said.words) for said in parts.objects] == [["dog"], ["balls"], ["grass"]]
    assert [said.attributes for said in parts.objects] == [((2, 5),), ((21, 24),), ()]
    assert [(_words(said.words), ends) for said, *ends in parts.relations] == [
        (["chases", "two"], [0, 1]),
        (["on"], [0, 2]),
    ]


def test_what_is_denied_counts_against() -> None:
    parts = text_parts(TEXT, GRAPH)
    assert [(_words(said.words), said.counts) for said in parts.objects[3:]] == [(["A"], -1)]
    assert [said.counts for said, _, _ in parts.relations] == [1, 1, -1]
    assert text_parts(TEXT, GRAPH).affirmed().cut(2, 5).relations == parts.relations[:1]


def test_denials_are_those_that_a_graph_query_forbids() -> None:
    text = "a man without a hat, his sofa is not red"
    graph = SceneGraph(
        (
            Node("man", span=Span(2, 5)),
            Node("hat", negated=True, span=Span(16, 19)),
            Node("sofa", attributes=(Attribute("red", negated=True),), span=Span(25, 29)),
        ),
        (Edge(0, "with", 1),),
    )
    parts = text_parts(text, graph)
    told = [(text[said.words[0][0] : said.words[0][1]], said.counts) for said in parts.objects]
    assert told == [("man", 1), ("hat", 0), ("sofa", 1), ("sofa", -1)]
    assert [len(said.attributes) for said in parts.objects] == [0, 0, 0, 1]
    assert [(said.counts, *ends) for said, *ends in parts.relations] == [(-1, 0, 1)]
    feeds = text_inputs(parts, [(0, 0), *(word for word in ((2, 5), (16, 19), (25, 29), (37, 40))), (0, 0)])
    assert feeds["has_object"].tolist() == [[1, 0, 1, -1]] and feeds["has_relation"].tolist() == [[-1]]
    assert {said.place for said in parts.affirmed().objects} == {0, 2} and not parts.affirmed().relations


def test_shares_of_tokens() -> None:
    tokens = [
        (0, 0),
        (0, 1),
        (2, 5),
        (6, 8),
        (8, 9),
        (10, 16),
        (17, 20),
        (21, 24),
        (25, 30),
        (31, 33),
        (34, 39),
        (0, 0),
    ]
    feeds = text_inputs(text_parts(TEXT, GRAPH).affirmed(), tokens)
    assert np.allclose(feeds["heads"][0, 0], [0, 0, 0, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0])
    assert feeds["attributes"][0, 1, 7] == 1 and feeds["attributes"][0, 0, 2] == 1
    assert np.allclose(feeds["predicates"][0].sum(axis=1), 1)
    assert feeds["subjects"][0].tolist() == [[1, 0, 0], [1, 0, 0]]
    assert feeds["objects"][0].tolist() == [[0, 1, 0], [0, 0, 1]]


def test_a_sentence_that_says_nothing_has_its_own_unit() -> None:
    parts = text_parts("Running !", SceneGraph())
    feeds = text_inputs(parts, [(0, 0), (0, 7), (8, 9), (0, 0)])
    assert feeds["has_object"].tolist() == [[0]] and feeds["has_relation"].tolist() == [[0]]
    units = text_graph_units(parts, np.eye(3, dtype=np.float32), np.array([0, 0, 2], dtype=np.float32))
    assert units.kinds.tolist() == [UnitKind.SCENE] and units.weights.tolist() == [2]
    assert np.allclose(units.dequantised(), [[0, 0, 1]])


def test_units_stand_for_nodes_and_edges() -> None:
    parts = text_parts(TEXT, GRAPH).affirmed()
    units = text_graph_units(parts, np.eye(6, dtype=np.float32), np.ones(6, dtype=np.float32))
    assert units.nodes.tolist() == [0, 1, 2, 0, 1, -1]
    assert units.kinds.tolist() == [*[UnitKind.OBJECT] * 3, *[UnitKind.RELATION] * 2, UnitKind.SCENE]


def test_a_graph_is_told_with_its_spans() -> None:
    graph = SceneGraph(
        (
            Node("man"),
            Node("horses", "horse", (Attribute("brown"),), count=2),
            Node("hat"),
            Node("cat", negated=True),
        ),
        (Edge(0, "riding", 1), Edge(0, "wearing", 2)),
    )
    text, spoken = told(graph)
    assert text == "a man riding two brown horses, the man wearing a hat"
    assert [text[n.span.start : n.span.end] if n.span else "" for n in spoken.nodes] == [
        "man",
        "horses",
        "hat",
        "",
    ]
    assert told(SceneGraph())[0] == ""
