"""The graph query language: what it reads, what it writes, and how it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import graph_queries, scene_graphs

from scenograph.scene.errors import InvalidGraphQuery
from scenograph.scene.graph import Attribute, Edge, GraphQuery, Node, SceneGraph
from scenograph.scene.query import (
    MAX_LABEL_CHARS,
    MAX_MENTIONS,
    MAX_QUERY_CHARS,
    format_graph_query,
    graph_query,
    parse_graph_query,
)


def graph(nodes: list[Node], *edges: Edge) -> SceneGraph:
    return SceneGraph(tuple(nodes), edges)


DOG, SOFA, CAT = Node("dog"), Node("sofa"), Node("cat")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("(dog)", GraphQuery(graph([DOG]))),
        ("( dog ) , (cat)", GraphQuery(graph([DOG, CAT]))),
        ("(traffic   light)", GraphQuery(graph([Node("traffic light")]))),
        ("(2 dog)", GraphQuery(graph([Node("dog", count=2)]))),
        ("(d: 2 dog {wet})", GraphQuery(graph([Node("dog", count=2, attributes=(Attribute("wet"),))]))),
        ('("7 eleven")', GraphQuery(graph([Node("7 eleven")]))),
        (r'("say \"hi\" \\")', GraphQuery(graph([Node('say "hi" \\')]))),
        ("(t-shirt)-[man's]->(4x4)", GraphQuery(graph([Node("t-shirt"), Node("4x4")], Edge(0, "man's", 1)))),
        (
            "(sofa {red, very large, not wet})",
            GraphQuery(
                graph(
                    [
                        Node(
                            "sofa",
                            attributes=(
                                Attribute("red"),
                                Attribute("very large"),
                                Attribute("wet", negated=True),
                            ),
                        )
                    ]
                )
            ),
        ),
        ("(dog)-[on top of]->(sofa)", GraphQuery(graph([DOG, SOFA], Edge(0, "on top of", 1)))),
        ("(dog) <-[under]- (sofa)", GraphQuery(graph([DOG, SOFA], Edge(1, "under", 0)))),
        ("(dog)-[not on]->(sofa)", GraphQuery(graph([DOG, SOFA], Edge(0, "on", 1, negated=True)))),
        (
            "(man)-[riding]->(horse)-[on]->(beach)",
            GraphQuery(
                graph([Node("man"), Node("horse"), Node("beach")], Edge(0, "riding", 1), Edge(1, "on", 2))
            ),
        ),
        (
            "(d: dog)-[on]->(sofa), (d)-[next to]->(cat)",
            GraphQuery(graph([DOG, SOFA, CAT], Edge(0, "on", 1), Edge(0, "next to", 2))),
        ),
        (
            "(d)-[on]->(sofa), (d: dog)",
            GraphQuery(graph([DOG, SOFA], Edge(0, "on", 1))),
        ),
        ("(dog), not (cat)", GraphQuery(graph([DOG]), graph([CAT]))),
        ("NOT (cat)", GraphQuery(forbidden=graph([CAT]))),
        ("(dog), maybe (cat)", GraphQuery(graph([DOG]), optional=graph([CAT]))),
        # A forbidden part that uses a required node's name copies what was said of it.
        (
            "(d: dog {red}), not (d)-[on]->(sofa), maybe (d)-[with]->(cat)",
            GraphQuery(
                graph([Node("dog", attributes=(Attribute("red"),))]),
                graph([Node("dog", attributes=(Attribute("red"),)), SOFA], Edge(0, "on", 1)),
                graph([Node("dog", attributes=(Attribute("red"),)), CAT], Edge(0, "with", 1)),
            ),
        ),
        # Each forbidden part is a pattern of its own; optional parts share their nodes.
        (
            "(d: dog), not (d)-[on]->(sofa), not (d)-[on]->(cat)",
            GraphQuery(graph([DOG]), graph([DOG, SOFA, DOG, CAT], Edge(0, "on", 1), Edge(2, "on", 3))),
        ),
        (
            "maybe (d: dog)-[on]->(sofa), maybe (d)-[on]->(cat)",
            GraphQuery(optional=graph([DOG, SOFA, CAT], Edge(0, "on", 1), Edge(0, "on", 2))),
        ),
        (
            "not ((d: dog)-[on]->(sofa), (d)-[on]->(cat))",
            GraphQuery(forbidden=graph([DOG, SOFA, CAT], Edge(0, "on", 1), Edge(0, "on", 2))),
        ),
    ],
)
def test_reads(text: str, query: GraphQuery) -> None:
    assert parse_graph_query(text) == query
    assert parse_graph_query(format_graph_query(query)) == query


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "expected a node such as (dog)"),
        ("dog", 0, "expected a node such as (dog)"),
        ("   [", 3, "found '['"),
        ("(", 1, "found the end"),
        ("()", 1, "a word"),
        ("(dog", 4, "')'"),
        ("(dog {red", 9, "'}'"),
        ("(dog {})", 6, "a word"),
        ("(dog),", 6, "a node such as (dog)"),
        ("(dog) (cat)", 6, "','"),
        ("(dog)-[on", 9, "']->'"),
        ("(dog)-[on]-(cat)", 9, "']->'"),
        ("(dog)-[on->(sofa)", 10, "expected ']->' or a word, found"),
        ("(dog)-[]->(cat)", 7, "a word"),
        ("(dog)-[on]->", 12, "'('"),
        ("(a: dog), (a: cat)", 11, "given twice"),
        ("(a: dog), (a {red})", 11, "is a name"),
        ('("")', 1, "inside the quotes"),
        ('("abc', 1, "closing quote"),
        ("(0 dog)", 1, "a count"),
        ("(99999999999999999999999 dog)", 1, "a count"),
        ("(über), (dog})", 12, "')'"),
        ("not ((dog), (cat))", 6, "connected"),
        ("maybe not (dog)", 6, "'('"),
    ],
)
def test_refuses_with_position(text: str, position: int, message: str) -> None:
    with pytest.raises(InvalidGraphQuery) as caught:
        parse_graph_query(text, field="query.graph")
    assert caught.value.position == position
    assert message in caught.value.message
    assert caught.value.metadata == {"position": str(position)}
    assert caught.value.violations[0].field == "query.graph"


def test_limits() -> None:
    with pytest.raises(InvalidGraphQuery, match="characters"):
        parse_graph_query("(" + "a" * MAX_QUERY_CHARS + ")")
    with pytest.raises(InvalidGraphQuery, match="at most") as caught:
        parse_graph_query("(dog), (" + "a" * (MAX_LABEL_CHARS + 1) + ")")
    assert caught.value.position == 8
    with pytest.raises(InvalidGraphQuery, match="nodes"):
        parse_graph_query(",".join(["(dog)"] * (MAX_MENTIONS + 1)))
    assert len(parse_graph_query(",".join(["(dog)"] * MAX_MENTIONS)).required.nodes) == MAX_MENTIONS
    loop = "(d: dog)" + "-[on]->(d)" * (MAX_MENTIONS - 1)
    assert len(parse_graph_query(loop).required.edges) == MAX_MENTIONS - 1


@given(graph_queries())
def test_round_trip(query: GraphQuery) -> None:
    assert parse_graph_query(format_graph_query(query)) == query


@given(st.text(max_size=40) | st.text(alphabet='(){}[]->,:"\\ not dog2<', max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        query = parse_graph_query(text)
    except InvalidGraphQuery as error:
        assert 0 <= error.position <= len(text)
    else:
        assert parse_graph_query(format_graph_query(query)) == query


def test_a_negated_node_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="cat"):
        format_graph_query(GraphQuery(graph([Node("cat", negated=True)])))


def test_what_a_sentence_denies_is_forbidden() -> None:
    said = graph(
        [
            Node("man"),
            Node("hat", negated=True),
            Node("sofa", attributes=(Attribute("red", negated=True), Attribute("big"))),
            Node("cat", negated=True),
        ],
        Edge(0, "with", 1),
        Edge(0, "on", 2, negated=True),
    )
    query = graph_query(said)
    assert format_graph_query(GraphQuery(query.required)) == "(man), (sofa {big})"
    assert format_graph_query(GraphQuery(forbidden=query.forbidden)) == (
        "not (sofa {big, red}), not (man)-[with]->(hat), not (man)-[on]->(sofa {big}), not (cat)"
    )


@given(scene_graphs())
def test_graph_query_keeps_no_negation(said: SceneGraph) -> None:
    query = graph_query(said)
    for part in (query.required, query.forbidden):
        assert not any(node.negated or any(item.negated for item in node.attributes) for node in part.nodes)
        assert not any(edge.negated for edge in part.edges)
    format_graph_query(query)
