"""Hypothesis strategies for scene graphs and graph queries, shared by the tests of every package."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from scenograph.scene.graph import Attribute, Box, Edge, GraphQuery, Node, SceneGraph, Span
from scenograph.scene.units import GraphUnits, UnitKind

WORDS = (
    "dog",
    "puppy",
    "sofa",
    "traffic light",
    "man",
    "red",
    "7 eleven",
    "not",
    "maybe so",
    "café",
    'say "hi"',
    "a\\b",
)

# Words of the language plus odd but legal texts: anything with a visible character, at most 20 characters.
odd = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda text: text.strip()
)
labels = st.one_of(st.sampled_from(WORDS), odd)
scores = st.floats(0.0, 1.0, width=32)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """A box of positive area."""
    x0, x1 = sorted(draw(st.lists(st.integers(0, 100), min_size=2, max_size=2, unique=True)))
    y0, y1 = sorted(draw(st.lists(st.integers(0, 100), min_size=2, max_size=2, unique=True)))
    return Box(x0 / 100, y0 / 100, x1 / 100, y1 / 100)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A span of a text of up to 2,000 characters."""
    start, end = sorted(draw(st.lists(st.integers(0, 2000), min_size=2, max_size=2, unique=True)))
    return Span(start, end)


query_attributes = st.builds(Attribute, labels, negated=st.booleans())
query_nodes = st.builds(
    Node, labels, attributes=st.lists(query_attributes, max_size=3).map(tuple), count=st.integers(0, 9)
)
full_nodes = st.builds(
    Node,
    labels,
    lemma=st.one_of(st.just(""), labels),
    attributes=st.lists(st.builds(Attribute, labels, scores, st.booleans()), max_size=3).map(tuple),
    score=scores,
    box=st.none() | boxes(),
    span=st.none() | spans(),
    count=st.integers(0, 9),
    negated=st.booleans(),
)


@st.composite
def scene_graphs(
    draw: st.DrawFn, nodes: st.SearchStrategy[Node] = full_nodes, max_nodes: int = 6
) -> SceneGraph:
    """Any scene graph of up to `max_nodes` nodes, self loops and parallel edges included."""
    members = tuple(draw(st.lists(nodes, max_size=max_nodes)))
    if not members:
        return SceneGraph()
    index = st.integers(0, len(members) - 1)
    edges = st.builds(Edge, index, labels, index, scores, st.booleans())
    return SceneGraph(members, tuple(draw(st.lists(edges, max_size=8))))


@st.composite
def query_graphs(draw: st.DrawFn, max_nodes: int = 5) -> SceneGraph:
    """A graph that the query language can say: no scores, boxes, spans, lemmas or negated nodes."""
    members = tuple(draw(st.lists(query_nodes, max_size=max_nodes)))
    if not members:
        return SceneGraph()
    index = st.integers(0, len(members) - 1)
    edges = st.builds(Edge, index, labels, index, negated=st.booleans())
    return SceneGraph(members, tuple(draw(st.lists(edges, max_size=6))))


@st.composite
def patterns(draw: st.DrawFn) -> SceneGraph:
    """A connected graph that the query language can say."""
    members = tuple(draw(st.lists(query_nodes, min_size=1, max_size=4)))
    edges = []
    for index in range(1, len(members)):
        ends = [draw(st.integers(0, index - 1)), index]
        if draw(st.booleans()):
            ends.reverse()
        edges.append(Edge(ends[0], draw(labels), ends[1]))
    return SceneGraph(members, tuple(edges))


@st.composite
def graph_queries(draw: st.DrawFn) -> GraphQuery:
    """Any graph query with at least one node."""
    forbidden_nodes: list[Node] = []
    forbidden_edges: list[Edge] = []
    for pattern in draw(st.lists(patterns(), max_size=2)):
        shift = len(forbidden_nodes)
        forbidden_nodes += pattern.nodes
        forbidden_edges += [
            Edge(edge.subject + shift, edge.predicate, edge.object + shift) for edge in pattern.edges
        ]
    required = draw(query_graphs())
    if not required.nodes and not forbidden_nodes:
        required = SceneGraph((draw(query_nodes),))
    return GraphQuery(
        required, SceneGraph(tuple(forbidden_nodes), tuple(forbidden_edges)), draw(query_graphs(3))
    )


@st.composite
def with_units(draw: st.DrawFn, graph: SceneGraph) -> SceneGraph:
    """The graph with up to 6 units of 4 components, or none; units of one kind have boxes or have none."""
    if draw(st.booleans()):
        return graph
    size = draw(st.integers(1, 6))
    kinds = draw(st.lists(st.sampled_from(UnitKind), min_size=size, max_size=size))
    nodes = []
    for kind in kinds:
        parts = len(graph.edges) if kind is UnitKind.RELATION else len(graph.nodes)
        most = -1 if kind in (UnitKind.CELL, UnitKind.SCENE) else parts - 1
        nodes.append(draw(st.integers(-1, most)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    vectors = random.integers(-127, 128, (size, 4), dtype=np.int8)
    boxes = random.random((size, 4)) if draw(st.booleans()) else None
    units = GraphUnits(vectors, random.random(size), random.random(size), kinds, nodes, boxes)
    return replace(graph, units=units)
