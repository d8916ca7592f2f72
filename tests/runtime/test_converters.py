"""Messages of the shared types and back: nothing is lost, and what cannot be is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from tests.strategies import scene_graphs, with_units

from scenograph.runtime import converters as convert
from scenograph.runtime.contracts import ImageFeatures
from scenograph.scene.alignment import Alignment
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import GraphQuery, Node, SceneGraph
from scenograph.scene.units import GraphUnits, UnitKind
from scenograph.v1 import common_pb2 as pb

UNITS = GraphUnits.quantised(np.eye(3, dtype=np.float32), [1, 1, 0.5], [1, 4, 5], [0, -1, -1], np.eye(3, 4))
GRAPH = SceneGraph((Node("dog", score=0.5),), units=UNITS)


@given(scene_graphs(max_nodes=3).flatmap(with_units))
def test_units_go_through_a_message(graph: SceneGraph) -> None:
    message = pb.SceneGraph.FromString(convert.graph_to_pb(graph).SerializeToString())
    assert convert.graph_from_pb(message).units == graph.units


def test_units_are_left_out_where_they_are_not_wanted() -> None:
    assert not convert.graph_to_pb(GRAPH, units=False).HasField("units")
    message = convert.graph_to_pb(GRAPH)
    assert convert.graph_from_pb(message, units=False) == SceneGraph(GRAPH.nodes)
    query = convert.query_to_pb(GraphQuery(optional=GRAPH))
    assert convert.query_from_pb(query).optional == GRAPH
    assert convert.query_from_pb(query, units=False).optional.units is None


@pytest.mark.parametrize(
    "change",
    [
        {"dimension": 0},
        {"dimension": 2},
        {"vectors": b"abc"},
        {"scales": [1, 2]},
        {"kinds": [1, 4, 300]},
        {"kinds": [1, 4, 0]},
        {"nodes": [1, -1, -1]},
        {"nodes": [0, -1, -5]},
        {"boxes": [0.0] * 5},
        {"weights": [1, 1, float("nan")]},
    ],
)
def test_units_that_do_not_fit_name_their_field(change: dict[str, object]) -> None:
    message = convert.graph_to_pb(GRAPH)
    for name, value in change.items():
        if isinstance(value, list):
            message.units.ClearField(name)  # type: ignore[arg-type]
            getattr(message.units, name).extend(value)
        else:
            setattr(message.units, name, value)
    with pytest.raises(InvalidInput) as caught:
        convert.graph_from_pb(message, field="candidates[2]")
    assert caught.value.violations[0].field == "candidates[2].units"


def test_features_keep_the_detectors_part() -> None:
    features = ImageFeatures(*(np.arange(size, dtype=np.float32) for size in (3, 2, 4, 5)))
    again = convert.features_from_pb(convert.features_to_pb(features))
    for name in ("class_probabilities", "object_scores", "pooled", "detector_pooled"):
        assert np.array_equal(getattr(again, name), getattr(features, name))
    old = convert.features_from_pb(pb.ImageFeatures(pooled=[1, 2]))
    assert old.detector_pooled.shape == (0,)


@pytest.mark.parametrize("learned", [None, 0.0, 0.5])
def test_an_alignment_says_whether_it_was_learned(learned: float | None) -> None:
    alignment = Alignment(0.5, 0.25, 1, 1, symbolic=0.75, learned=learned)
    assert convert.alignment_from_pb(convert.alignment_to_pb(alignment)) == alignment


def test_kinds_are_numbered_as_in_the_proto() -> None:
    for kind in UnitKind:
        assert pb.UnitKind.Name(pb.UnitKind.ValueType(kind)) == f"UNIT_KIND_{kind.name}"


@pytest.mark.parametrize("size", [0, 1, 31, 32, 960, 5000])
def test_an_embedding_is_its_numbers(size: int) -> None:
    vector = np.random.default_rng(size).normal(size=size).astype(np.float32)
    message = convert.embedding_to_pb(vector)
    assert message == pb.Embedding(values=vector.tolist())
    np.testing.assert_array_equal(convert.embedding_from_pb(message), vector)
    np.testing.assert_array_equal(list(convert.embedding_to_pb(vector[::-2]).values), vector[::-2])
