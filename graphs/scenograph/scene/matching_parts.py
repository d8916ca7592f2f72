"""Graphs laid flat, so that the parts of one query and of many candidates are compared in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.graph import SceneGraph

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

Inverse = Callable[[str], str | None]
"""A predicate -> the same relation seen from its other end, where there is a word for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The parts of graphs behind each other: a graph's nodes, then (if asked for) its tags as further nodes.

    names (N), attributes (A), predicates (E) are words; node_score (N,), attribute_score (A,), edge_score
    (E,) their certainty (0 for a denied one); attribute_node (A,) and edge_ends (2, E) count through N;
    edge_source (E) is an edge's number in its graph.  nodes_at, attributes_at, edges_at: the parts of graph
    g are at [at[g], at[g + 1]); tags_at[g] is where its tags begin.
    """

    names: tuple[str, ...]
    node_score: FloatArray
    nodes_at: tuple[int, ...]
    tags_at: tuple[int, ...]
    attributes: tuple[str, ...]
    attribute_score: FloatArray
    attribute_node: IntArray
    attributes_at: tuple[int, ...]
    predicates: tuple[str, ...]
    edge_score: FloatArray
    edge_ends: IntArray
    edge_source: tuple[int, ...]
    edges_at: tuple[int, ...]

    @classmethod
    def of(
        cls,
        graphs: Sequence[SceneGraph],
        *,
        tags: bool = False,
        inverse: Inverse | None = None,
        keep_denied: bool = False,
    ) -> Parts:
        """Lay graphs flat.

        `tags`: also take the whole-image labels; `inverse`: also take each edge from its other end, where
        that has a name; `keep_denied`: give denied parts their score (for what asks about them), else 0.
        """
        names: list[str] = []
        node_score: list[float] = []
        attributes: list[str] = []
        attribute_score: list[float] = []
        attribute_node: list[int] = []
        predicates: list[str] = []
        edge_score: list[float] = []
        ends: list[tuple[int, int]] = []
        sources: list[int] = []
        nodes_at, tags_at, attributes_at, edges_at = [0], [], [0], [0]
        for graph in graphs:
            start = len(names)
            for node in graph.nodes:
                for attribute in node.attributes:
                    attributes.append(attribute.name)
                    attribute_score.append(attribute.score if keep_denied or not attribute.negated else 0.0)
                    attribute_node.append(len(names))
                names.append(node.name)
                node_score.append(node.score if keep_denied or not node.negated else 0.0)
            tags_at.append(len(names))
            if tags:
                names += [tag.label for tag in graph.tags]
                node_score += [tag.score for tag in graph.tags]
            for number, edge in enumerate(graph.edges):
                score = edge.score if keep_denied or not edge.negated else 0.0
                seen = [(edge.predicate, edge.subject, edge.object)]
                back = inverse(edge.predicate) if inverse else None
                if back is not None:
                    seen.append((back, edge.object, edge.subject))
                for predicate, subject, object_ in seen:
                    predicates.append(predicate)
                    edge_score.append(score)
                    sources.append(number)
                    ends.append((start + subject, start + object_))
            nodes_at.append(len(names))
            attributes_at.append(len(attributes))
            edges_at.append(len(predicates))
        return cls(
            names=tuple(names),
            node_score=np.array(node_score, dtype=np.float32),
            nodes_at=tuple(nodes_at),
            tags_at=tuple(tags_at),
            attributes=tuple(attributes),
            attribute_score=np.array(attribute_score, dtype=np.float32),
            attribute_node=np.array(attribute_node, dtype=np.int64),
            attributes_at=tuple(attributes_at),
            predicates=tuple(predicates),
            edge_score=np.array(edge_score, dtype=np.float32),
            edge_ends=np.array(ends, dtype=np.int64).reshape(len(ends), 2).T,
            edge_source=tuple(sources),
            edges_at=tuple(edges_at),
        )
