"""The graph matcher: a slow oracle, and its ONNX export with other numbers of parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from scenograph.nn.graph_matcher import GraphMatcher, calibrated
from scenograph.packs import Pack
from scenograph.runtime.sessions import open_session

D = 8


def parts(query: tuple[int, int, int], candidate: tuple[int, int, int], size: int = D) -> dict[str, Tensor]:
    """Random matcher inputs; each triple counts nodes, attributes and edges."""
    random = torch.Generator().manual_seed(0)

    def vectors(count: int) -> Tensor:
        return torch.randn(count, size, generator=random)

    def prior(rows: int, columns: int) -> Tensor:
        known = torch.rand(rows, columns, generator=random)
        return torch.where(torch.rand(rows, columns, generator=random) < 0.5, known, torch.nan)

    def ends(edges: int, nodes: int) -> Tensor:
        return torch.randint(0, nodes, (2, edges), generator=random)

    return {
        "query_nodes": vectors(query[0]),
        "candidate_nodes": vectors(candidate[0]),
        "node_prior": prior(query[0], candidate[0]),
        "query_attributes": vectors(query[1]),
        "candidate_attributes": vectors(candidate[1]),
        "candidate_attribute_node": torch.randint(0, candidate[0], (candidate[1],), generator=random),
        "attribute_prior": prior(query[1], candidate[1]),
        "query_edges": vectors(query[2]),
        "query_edge_index": ends(query[2], query[0]),
        "candidate_edges": vectors(candidate[2]),
        "candidate_edge_index": ends(candidate[2], candidate[0]),
        "edge_prior": prior(query[2], candidate[2]),
    }


def slow_match(p: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    def alike(kind: str, prior: str, low: float, high: float) -> Tensor:
        ours, theirs = p[f"query_{kind}"], p[f"candidate_{kind}"]
        found = torch.zeros(len(ours), len(theirs))
        for i in range(len(ours)):
            for j in range(len(theirs)):
                known = float(p[prior][i, j])
                cosine = float(torch.cosine_similarity(ours[i], theirs[j], dim=0))
                found[i, j] = known if known == known else min(1.0, max(0.0, (cosine - low) / (high - low)))
        return found

    module = GraphMatcher()
    label = alike("nodes", "node_prior", *module.label_range)
    each = alike("attributes", "attribute_prior", *module.attribute_range)
    predicate = alike("edges", "edge_prior", *module.predicate_range)
    attribute = torch.zeros(len(each), label.shape[1])
    for j, node in enumerate(p["candidate_attribute_node"].tolist()):
        attribute[:, node] = torch.maximum(attribute[:, node], each[:, j])
    relation, context, degree = torch.zeros_like(predicate), torch.zeros_like(label), torch.zeros(len(label))
    ours, theirs = p["query_edge_index"].T.tolist(), p["candidate_edge_index"].T.tolist()
    for i, query in enumerate(ours):
        for j, other in enumerate(theirs):
            relation[i, j] = predicate[i, j] * (label[query[0], other[0]] * label[query[1], other[1]]) ** 0.5
        for end in (0, 1):
            degree[query[end]] += 1
            for node in range(label.shape[1]):
                best = [float(relation[i, j]) for j, other in enumerate(theirs) if other[end] == node]
                context[query[end], node] += max(best, default=0.0)
    return label, attribute, predicate, relation, context / degree.clamp(min=1)[:, None]


@pytest.mark.parametrize(
    ("query", "candidate"), [((3, 4, 5), (6, 9, 8)), ((1, 0, 0), (1, 0, 0)), ((2, 0, 1), (5, 3, 0))]
)
def test_matcher_equals_a_loop(query: tuple[int, int, int], candidate: tuple[int, int, int]) -> None:
    given = parts(query, candidate)
    for found, expected in zip(GraphMatcher()(**given), slow_match(given), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_calibration_is_flat_outside_its_range() -> None:
    assert calibrated(torch.tensor([-1.0, 0.4, 0.6, 0.9]), 0.4, 0.8).tolist() == pytest.approx([0, 0, 0.5, 1])


def test_the_packs_matcher_takes_any_number_of_parts(default_pack: Pack) -> None:
    session = open_session(default_pack.model_path("graph_matcher"))
    for query, candidate in [((3, 4, 5), (11, 9, 8)), ((1, 0, 0), (1, 0, 0)), ((2, 1, 3), (40, 30, 70))]:
        given = parts(query, candidate, size=384)
        answers = session.run(None, {name: value.numpy() for name, value in given.items()})
        for answer, expected in zip(answers, GraphMatcher()(**given), strict=True):
            np.testing.assert_allclose(answer, expected.numpy(), atol=1e-5)
