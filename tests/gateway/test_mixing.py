"""Mixing the parts of a query: embeddings and graphs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenograph.gateway.mixing import mix, weigh
from scenograph.runtime.contracts import FloatArray
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import GraphQuery, Node, SceneGraph


def unit(seed: int) -> FloatArray:
    vector = np.random.default_rng(seed).normal(size=16)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@given(st.lists(st.tuples(st.floats(0.1, 10.0), st.integers(0, 99)), min_size=1, max_size=8))
def test_the_mix_is_the_normalised_weighted_sum(parts: list[tuple[float, int]]) -> None:
    mixed = mix([(weight, unit(seed), False) for weight, seed in parts])
    total = np.zeros(16)
    for weight, seed in parts:
        total += weight * unit(seed).astype(np.float64)
    np.testing.assert_allclose(mixed, total / np.linalg.norm(total), atol=1e-5)
    assert mixed.dtype == np.float32


def test_a_single_part_is_taken_as_it_is() -> None:
    assert mix([(0.3, unit(1), False)]) is not None
    np.testing.assert_array_equal(mix([(0.3, unit(1), False)]), unit(1))


def test_what_only_points_away_counts_where_nothing_else_does() -> None:
    np.testing.assert_array_equal(mix([(1.0, unit(1), False), (5.0, unit(2), True)]), unit(1))
    np.testing.assert_array_equal(mix([(5.0, unit(2), True)]), unit(2))


def test_parts_that_cancel_one_another_are_refused() -> None:
    with pytest.raises(InvalidInput, match="cancel") as caught:
        mix([(1.0, unit(1), False), (1.0, -unit(1), False)])
    assert caught.value.violations[0].field == "query.parts"


def test_graphs_that_only_forbid_have_no_weight_and_empty_ones_are_left_out() -> None:
    dog, cat = SceneGraph((Node("dog"),)), SceneGraph((Node("cat"),))
    both, forbids = GraphQuery(required=dog, forbidden=cat), GraphQuery(forbidden=cat)
    graphs = weigh([(2.0, both), (3.0, forbids), (4.0, GraphQuery())])
    assert [(graph.query, graph.weight, graph.hard) for graph in graphs] == [
        (both, 2.0, True),
        (forbids, 0.0, True),
    ]
    assert not weigh([(1.0, GraphQuery(optional=dog))])[0].hard
