"""Scene graphs as the arrays that the graph encoder takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.runtime.contracts import FloatArray
from scenograph.scene.graph import Node, SceneGraph

ATTRIBUTE_WEIGHT = 0.5  # of an object's attributes together, its label counting 1


def graph_words(graphs: Sequence[SceneGraph]) -> list[str]:
    """Every label, attribute and relation that the graphs affirm, each once."""
    words: dict[str, None] = {}
    for graph in graphs:
        for node in graph.nodes:
            words[node.name] = None
            words.update(dict.fromkeys(_affirmed(node)))
        words.update(dict.fromkeys(edge.predicate for edge in graph.edges if not edge.negated))
    return list(words)


def batch_graphs(graphs: Sequence[SceneGraph], vectors: Mapping[str, FloatArray]) -> dict[str, NDArray[Any]]:
    """All graphs side by side.

    A node's vector is its label's plus its attributes'; its weight its certainty, 0 where it is denied.
    Denied edges are left out.
    Shapes: nodes (N, D), edge_index (2, E), edges (E, D), batch (N,), node_weight (N,).
    """
    size = len(next(iter(vectors.values())))
    nodes: list[FloatArray] = []
    edges: list[FloatArray] = []
    ends: list[tuple[int, int]] = []
    batch: list[int] = []
    weights: list[float] = []
    for number, graph in enumerate(graphs):
        first = len(nodes)
        for node in graph.nodes:
            nodes.append(_node_vector(node, vectors))
            weights.append(0.0 if node.negated else node.score)
            batch.append(number)
        for edge in graph.edges:
            if not edge.negated:
                ends.append((first + edge.subject, first + edge.object))
                edges.append(vectors[edge.predicate])
    return {
        "nodes": np.array(nodes, dtype=np.float32),
        "edge_index": np.array(ends, dtype=np.int64).reshape(-1, 2).T,
        "edges": np.array(edges, dtype=np.float32).reshape(-1, size),
        "batch": np.array(batch, dtype=np.int64),
        "node_weight": np.array(weights, dtype=np.float32),
    }


def _node_vector(node: Node, vectors: Mapping[str, FloatArray]) -> FloatArray:
    vector = vectors[node.name]
    attributes = _affirmed(node)
    if attributes:
        vector = vector + ATTRIBUTE_WEIGHT * np.mean([vectors[name] for name in attributes], axis=0)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def _affirmed(node: Node) -> list[str]:
    return [attribute.name for attribute in node.attributes if not attribute.negated]
