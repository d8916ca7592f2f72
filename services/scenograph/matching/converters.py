"""Protobuf <-> domain, for the matching service."""

from __future__ import annotations

from scenograph.runtime.checks import check_weights
from scenograph.runtime.contracts import MatchBatch, MatchWeights
from scenograph.runtime.converters import (
    alignment_to_pb,
    graph_from_pb,
    match_weights_from_pb,
    query_from_pb,
    timings_to_pb,
)
from scenograph.scene.graph import GraphQuery, SceneGraph
from scenograph.v1 import matching_pb2 as pb


def query_of(request: pb.MatchRequest) -> GraphQuery:
    return query_from_pb(request.query, field="query")


def candidates_of(request: pb.MatchRequest) -> list[SceneGraph]:
    return [graph_from_pb(graph, field=f"candidates[{i}]") for i, graph in enumerate(request.candidates)]


def weights_of(request: pb.MatchRequest) -> MatchWeights | None:
    """Raises InvalidInput where a weight is negative or no number, or both are 0."""
    if not request.HasField("weights"):
        return None
    weights = match_weights_from_pb(request.weights)
    check_weights({"learned": weights.learned, "symbolic": weights.symbolic}, "weights")
    return weights


def batch_to_pb(batch: MatchBatch) -> pb.MatchResponse:
    return pb.MatchResponse(
        alignments=[alignment_to_pb(alignment) for alignment in batch.alignments],
        pack_version=batch.pack_version,
        timings=timings_to_pb(batch.timings),
    )
