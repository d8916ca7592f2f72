"""Units of scene graphs: their shapes, what quantising keeps, how they follow parts and joins of graphs."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import scene_graphs, with_units

from scenograph.scene.graph import Edge, Node, SceneGraph
from scenograph.scene.structure import graph_query, join, subgraph
from scenograph.scene.units import GraphUnits, UnitKind, decode_units, encode_units

graphs = scene_graphs(max_nodes=3).flatmap(with_units)


def units(size: int = 3, dimension: int = 4, **parts: object) -> GraphUnits:
    given: dict[str, object] = {
        "vectors": np.ones((size, dimension), np.int8),
        "scales": np.ones(size),
        "weights": np.ones(size),
        "kinds": np.full(size, UnitKind.CELL),
        "nodes": np.full(size, -1),
        **parts,
    }
    return GraphUnits(**given)  # type: ignore[arg-type]


def test_quantising_keeps_directions() -> None:
    vectors = np.random.default_rng(1).normal(size=(50, 64)).astype(np.float32)
    kept = GraphUnits.quantised(vectors, np.ones(50), np.full(50, UnitKind.CELL), np.full(50, -1))
    near = kept.dequantised()
    assert near.dtype == np.float32 and kept.vectors.min() >= -127
    cosines = (near * vectors).sum(1) / np.linalg.norm(near, axis=1) / np.linalg.norm(vectors, axis=1)
    assert cosines.min() > 0.9998
    assert np.abs(near - vectors).max() <= np.abs(vectors).max() / 254 + 1e-6


def test_a_vector_of_zeros_stays_one() -> None:
    kept = GraphUnits.quantised(np.zeros((1, 8), np.float32), [1], [UnitKind.SCENE], [-1])
    assert not kept.dequantised().any()


@pytest.mark.parametrize(
    "parts",
    [
        {"vectors": np.ones((3, 4), np.float32)},
        {"vectors": np.ones(3, np.int8)},
        {"vectors": np.ones((3, 0), np.int8)},
        {"scales": np.ones(2)},
        {"scales": [1, -1, 1]},
        {"scales": [1, np.nan, 1]},
        {"weights": [1, np.inf, 1]},
        {"kinds": [1, 2, 6]},
        {"kinds": [0, 1, 2]},
        {"nodes": [-2, 0, 0]},
        {"boxes": np.zeros((3, 3))},
        {"boxes": np.full((3, 4), np.nan)},
    ],
)
def test_what_does_not_fit_is_refused(parts: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        units(**parts)  # type: ignore[arg-type]


def test_units_cannot_be_written_to() -> None:
    mine = np.ones(3, np.float32)
    kept = units(weights=mine)
    mine[0] = 5
    assert kept.weights[0] == 1
    with pytest.raises(ValueError):
        kept.vectors[0, 0] = 2


def test_a_unit_of_a_part_that_is_not_there_is_refused() -> None:
    nodes, edges = (Node("dog"), Node("sofa")), (Edge(0, "on", 1),)
    objects = units(kinds=np.full(3, UnitKind.OBJECT), nodes=[0, 1, -1])
    assert SceneGraph(nodes, edges, units=objects).units == objects
    with pytest.raises(ValueError, match="number 2 of 2"):
        SceneGraph(nodes, edges, units=units(kinds=np.full(3, UnitKind.OBJECT), nodes=[0, 2, 1]))
    with pytest.raises(ValueError, match="number 1 of 1"):
        SceneGraph(nodes, edges, units=units(kinds=np.full(3, UnitKind.RELATION), nodes=[0, 1, 0]))


@given(graphs)
def test_bytes_and_back(graph: SceneGraph) -> None:
    raw = msgspec.msgpack.encode(graph, enc_hook=encode_units)
    again = msgspec.msgpack.decode(raw, type=SceneGraph, dec_hook=decode_units)
    assert again == graph and hash(again) == hash(graph)


def test_equality_sees_every_part() -> None:
    same = units()
    assert same == units() and len({same, units()}) == 1
    for parts in ({"weights": [1, 1, 2]}, {"scales": [1, 1, 2]}, {"boxes": np.zeros((3, 4))}):
        assert units(**parts) != same
    assert units(6, 2) != units(3, 4)


def told(graph: SceneGraph) -> list[object]:
    """Each unit's vector with the node or edge it stands for, in words."""
    if graph.units is None:
        return []
    found: list[object] = []
    for row, kind, place in zip(graph.units.dequantised(), graph.units.kinds, graph.units.nodes, strict=True):
        stands: object = None
        if place >= 0 and kind == UnitKind.RELATION:
            edge = graph.edges[place]
            stands = (graph.nodes[edge.subject], edge.predicate, graph.nodes[edge.object])
        elif place >= 0:
            stands = graph.nodes[place]
        found.append((row.tobytes(), int(kind), stands))
    return found


@given(st.lists(graphs, max_size=4))
def test_joined_units_stand_for_the_same_parts(several: list[SceneGraph]) -> None:
    assert told(join(several)) == [unit for graph in several for unit in told(graph)]


@given(graphs, st.data())
def test_a_part_keeps_the_units_of_what_it_keeps(graph: SceneGraph, data: st.DataObject) -> None:
    members = data.draw(st.permutations(range(len(graph.nodes))))[: data.draw(st.integers(0, 3))]
    kept_nodes = [graph.nodes[place] for place in members]

    def keeps(place: int, kind: int) -> bool:
        if place < 0:
            return False
        if kind == UnitKind.RELATION:
            edge = graph.edges[place]
            return edge.subject in members and edge.object in members
        return place in members

    part = subgraph(graph, members)
    places = [] if graph.units is None else zip(graph.units.nodes, graph.units.kinds, strict=True)
    chosen = [keeps(int(place), int(kind)) for place, kind in places]
    assert told(part) == [unit for unit, kept in zip(told(graph), chosen, strict=True) if kept]
    assert list(part.nodes) == kept_nodes and part.tags == ()

    whole = subgraph(graph, range(len(graph.nodes)), whole=True)
    assert told(whole) == told(graph) and whole.tags == graph.tags


@given(graphs)
def test_a_hard_query_has_no_units(graph: SceneGraph) -> None:
    query = graph_query(graph)
    assert query.required.units is None and query.forbidden.units is None
