"""Small operations on scene graphs: a part, its components, several as one, what a negation forbids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scenograph.scene.graph import Edge, GraphQuery, Node, SceneGraph


def components(graph: SceneGraph) -> list[tuple[int, ...]]:
    """Node indices of each connected component (edges taken undirected), ordered by their smallest index."""
    root = list(range(len(graph.nodes)))

    def find(index: int) -> int:
        while root[index] != index:
            root[index] = root[root[index]]
            index = root[index]
        return index

    for edge in graph.edges:
        low, high = sorted((find(edge.subject), find(edge.object)))
        root[high] = low
    groups: dict[int, list[int]] = {}
    for index in range(len(graph.nodes)):
        groups.setdefault(find(index), []).append(index)
    return [tuple(group) for group in groups.values()]


def subgraph(graph: SceneGraph, members: Sequence[int]) -> SceneGraph:
    """The graph of the nodes `members`, in that order, with the edges among them."""
    place = {index: position for position, index in enumerate(members)}
    edges = tuple(
        replace(edge, subject=place[edge.subject], object=place[edge.object])
        for edge in graph.edges
        if edge.subject in place and edge.object in place
    )
    return SceneGraph(tuple(graph.nodes[index] for index in members), edges)


def graph_query(graph: SceneGraph) -> GraphQuery:
    """What a sentence's graph asks for: what it affirms is required, what it denies is forbidden.

    "a man without a hat" requires (man), forbids (man)-[with]->(hat); "the sofa is not red" requires (sofa)
    and forbids (sofa {red}); "no dog" forbids (dog).
    """
    plain = [
        replace(node, negated=False, attributes=tuple(item for item in node.attributes if not item.negated))
        for node in graph.nodes
    ]
    kept = [index for index, node in enumerate(graph.nodes) if not node.negated]
    affirmed = SceneGraph(tuple(plain), tuple(edge for edge in graph.edges if not edge.negated))
    patterns: list[SceneGraph] = []
    for index, node in enumerate(graph.nodes):
        for item in node.attributes:
            if item.negated:
                pattern = replace(
                    plain[index], attributes=(*plain[index].attributes, replace(item, negated=False))
                )
                patterns.append(SceneGraph((pattern,)))
    covered: set[int] = set()
    for edge in graph.edges:
        gone = {index for index in (edge.subject, edge.object) if graph.nodes[index].negated}
        if edge.negated or gone:
            covered |= gone
            ends = (plain[edge.subject], plain[edge.object])
            patterns.append(SceneGraph(ends, (Edge(0, edge.predicate, 1),)))
    for index, node in enumerate(graph.nodes):
        if node.negated and index not in covered:
            patterns.append(SceneGraph((plain[index],)))
    return GraphQuery(required=subgraph(affirmed, kept), forbidden=join(patterns))


def join(graphs: Sequence[SceneGraph]) -> SceneGraph:
    """The graphs side by side, edges pointing where they did. Tags of all."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    for graph in graphs:
        shift = len(nodes)
        nodes += graph.nodes
        edges += [
            replace(edge, subject=edge.subject + shift, object=edge.object + shift) for edge in graph.edges
        ]
    return SceneGraph(tuple(nodes), tuple(edges), tuple(tag for graph in graphs for tag in graph.tags))
