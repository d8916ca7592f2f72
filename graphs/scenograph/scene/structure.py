"""Small operations on scene graphs: a part, its components, several as one, what a negation forbids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scenograph.scene.graph import Edge, GraphQuery, Node, SceneGraph
from scenograph.scene.units import GraphUnits, UnitKind, joined


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


def subgraph(graph: SceneGraph, members: Sequence[int], *, whole: bool = False) -> SceneGraph:
    """The graph of the nodes `members`, in that order, with the edges among them and the units of both.

    Tags and units of the whole image are left out, unless it is to stand for the `whole`.
    """
    place = {index: position for position, index in enumerate(members)}
    kept = [
        number for number, edge in enumerate(graph.edges) if edge.subject in place and edge.object in place
    ]
    edges = tuple(
        replace(edge, subject=place[edge.subject], object=place[edge.object])
        for edge in (graph.edges[number] for number in kept)
    )
    units = None if graph.units is None else _units_of(graph.units, members, kept, whole=whole)
    nodes = tuple(graph.nodes[index] for index in members)
    return SceneGraph(nodes, edges, graph.tags if whole else (), units)


def _units_of(
    units: GraphUnits, nodes: Sequence[int], edges: Sequence[int], *, whole: bool
) -> GraphUnits | None:
    """The units of these nodes and edges, standing for their new places; None where there are none."""
    node_at = {index: position for position, index in enumerate(nodes)}
    edge_at = {number: position for position, number in enumerate(edges)}
    moved = np.array(
        [
            (edge_at if kind == UnitKind.RELATION else node_at).get(node, -1)
            for kind, node in zip(units.kinds.tolist(), units.nodes.tolist(), strict=True)
        ],
        dtype=np.int32,
    )
    chosen = np.flatnonzero((moved >= 0) | (whole & (units.nodes < 0)))
    return units.take(chosen, moved[chosen]) if len(chosen) else None


def graph_query(graph: SceneGraph) -> GraphQuery:
    """What a sentence's graph asks for: what it affirms is required, what it denies is forbidden.

    "a man without a hat" requires (man), forbids (man)-[with]->(hat); "the sofa is not red" requires (sofa)
    and forbids (sofa {red}); "no dog" forbids (dog). Units are left out: hard parts are decided by words.
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
    """The graphs side by side, edges and units pointing where they did. Tags of all."""
    graphs = [graph for graph in graphs if graph.nodes or graph.tags or graph.units is not None]
    if len(graphs) == 1:
        return graphs[0]
    nodes: list[Node] = []
    edges: list[Edge] = []
    units: list[tuple[GraphUnits, int, int]] = []
    for graph in graphs:
        shift = len(nodes)
        if graph.units is not None:
            units.append((graph.units, shift, len(edges)))
        nodes += graph.nodes
        edges += [
            replace(edge, subject=edge.subject + shift, object=edge.object + shift) for edge in graph.edges
        ]
    tags = tuple(tag for graph in graphs for tag in graph.tags)
    return SceneGraph(tuple(nodes), tuple(edges), tags, joined(units))
