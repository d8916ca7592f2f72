"""How a query graph lies on a candidate graph: the explanation of a match."""

from __future__ import annotations

from dataclasses import dataclass

from scenograph.scene.graph import Box


@dataclass(frozen=True, slots=True)
class NodeMatch:
    """A query object and what it met. `candidate_node` is -1 where it met a tag of the whole image.
    `similarity` in [0, 1].
    """

    query_node: int
    candidate_node: int
    query_label: str
    candidate_label: str
    similarity: float
    attributes_matched: tuple[str, ...] = ()
    attributes_unmatched: tuple[str, ...] = ()
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class EdgeMatch:
    """A query relation and the candidate relation that it met, both also in words ("dog on sofa").
    `similarity` in [0, 1].
    """

    query_edge: int
    candidate_edge: int
    query_relation: str
    candidate_relation: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """Agreement of the whole and of each level, in [0, 1], with what met what.

    `unmatched` and `violations` are in words. `satisfied`: every required part is met and no forbidden
    one is there.
    Positions count through the query's required graph, then its optional graph. `score` mixes two
    agreements: `symbolic`, that of the levels, and `learned`, that of the units; None where a side has none.
    """

    score: float
    objects: float
    attributes: float
    relations: float
    node_matches: tuple[NodeMatch, ...] = ()
    edge_matches: tuple[EdgeMatch, ...] = ()
    unmatched: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    satisfied: bool = True
    symbolic: float = 0.0
    learned: float | None = None
