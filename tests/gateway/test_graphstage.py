"""Merging the alignments of a mixed query: positions, weights, and what is satisfied."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import graph_queries, scene_graphs

from scenograph.gateway.graphstage import WeightedGraph, merge, query_graph
from scenograph.scene.alignment import Alignment, EdgeMatch, NodeMatch
from scenograph.scene.graph import Edge, GraphQuery, Node, SceneGraph
from scenograph.scene.structure import join


def everything(query: GraphQuery, *, satisfied: bool = True, score: float = 1.0) -> Alignment:
    """An alignment in which every node and edge of the query met something."""
    nodes = query.required.nodes + query.optional.nodes
    edges = query.required.edges + query.optional.edges
    return Alignment(
        score,
        score,
        score,
        score,
        tuple(NodeMatch(i, i, node.label, "x", 1.0) for i, node in enumerate(nodes)),
        tuple(EdgeMatch(i, i, edge.predicate, "x", 1.0) for i, edge in enumerate(edges)),
        satisfied=satisfied,
    )


@given(st.lists(scene_graphs(), max_size=4))
def test_joined_graphs_keep_every_relation(graphs: list[SceneGraph]) -> None:
    def relations(graph: SceneGraph) -> list[tuple[Node, str, Node]]:
        return [(graph.nodes[e.subject], e.predicate, graph.nodes[e.object]) for e in graph.edges]

    joined = join(graphs)
    assert joined.nodes == tuple(node for graph in graphs for node in graph.nodes)
    assert relations(joined) == [relation for graph in graphs for relation in relations(graph)]


@given(st.lists(graph_queries(), min_size=1, max_size=4))
def test_merged_positions_count_through_the_query_graph(queries: list[GraphQuery]) -> None:
    graphs = [WeightedGraph(query, 1.0) for query in queries]
    merged = merge(graphs, [everything(query) for query in queries])
    whole = query_graph(graphs)
    assert sorted(match.query_node for match in merged.node_matches) == list(range(len(whole.nodes)))
    assert sorted(match.query_edge for match in merged.edge_matches) == list(range(len(whole.edges)))
    for node in merged.node_matches:
        assert whole.nodes[node.query_node].label == node.query_label
    for edge in merged.edge_matches:
        assert whole.edges[edge.query_edge].predicate == edge.query_relation


def soft(*labels: str) -> GraphQuery:
    return GraphQuery(optional=SceneGraph(tuple(Node(label) for label in labels)))


def test_parts_count_by_weight_and_not_by_size() -> None:
    graphs = [WeightedGraph(soft("a", "b", "c", "d"), 1.0), WeightedGraph(soft("e"), 3.0)]
    merged = merge(graphs, [everything(graphs[0].query, score=1.0), everything(graphs[1].query, score=0.0)])
    assert merged.score == 0.25


def test_a_part_that_only_forbids_decides_and_does_not_score() -> None:
    forbids = GraphQuery(forbidden=SceneGraph((Node("cat"),)))
    graphs = [WeightedGraph(soft("dog"), 2.0), WeightedGraph(forbids, 0.0)]
    merged = merge(graphs, [everything(soft("dog"), score=0.5), Alignment(1, 1, 1, 1, satisfied=False)])
    assert merged.score == 0.5
    assert not merged.satisfied


def test_only_hard_parts_can_fail() -> None:
    graphs = [WeightedGraph(soft("dog"), 1.0), WeightedGraph(soft("cat"), 1.0)]
    failed = everything(soft("dog"), satisfied=False)
    assert merge(graphs, [failed, failed]).satisfied
    assert merge(graphs[:1], [failed]).satisfied
    hard = WeightedGraph(GraphQuery(required=SceneGraph((Node("dog"),), (Edge(0, "on", 0),))), 1.0)
    assert not merge([hard], [failed]).satisfied
