"""The parts of a query as one: their embeddings summed, their graphs weighed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scenograph.gateway.graphstage import WeightedGraph
from scenograph.gateway.limits import MAX_QUERY_NODES
from scenograph.runtime.contracts import FloatArray
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import GraphQuery, SceneGraph
from scenograph.scene.structure import subgraph


def mix(parts: Sequence[tuple[float, FloatArray, bool]]) -> FloatArray:
    """The weighted sum of embeddings (D,), brought to length 1.

    Those that only point away count where there is nothing else.
    """
    pointing = [(weight, vector) for weight, vector, away in parts if not away]
    chosen = pointing or [(weight, vector) for weight, vector, _ in parts]
    if len(chosen) == 1:
        return chosen[0][1]
    total = sum(
        (weight * vector.astype(np.float64) for weight, vector in chosen), np.zeros(len(chosen[0][1]))
    )
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise InvalidInput("the parts of the query cancel one another", field="query.parts")
    return (total / length).astype(np.float32)


def weigh(parts: Sequence[tuple[float, GraphQuery]]) -> tuple[WeightedGraph, ...]:
    """The parts' graphs with their weights: empty ones left out, those that only forbid at 0 by others."""
    graphs = []
    for weight, query in parts:
        wants = bool(query.required.nodes or query.optional.nodes)
        if wants or query.forbidden.nodes:
            graphs.append(WeightedGraph(query, weight if wants else 0.0))
    return tuple(graphs)


def soft(graph: SceneGraph) -> GraphQuery:
    """A sentence's or an image's graph as a query that ranks; of a very large one its most certain nodes."""
    if len(graph.nodes) > MAX_QUERY_NODES:
        best = sorted(range(len(graph.nodes)), key=lambda place: -graph.nodes[place].score)
        graph = subgraph(graph, sorted(best[:MAX_QUERY_NODES]), whole=True)
    return GraphQuery(optional=graph)
