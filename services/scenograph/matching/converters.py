"""Protobuf <-> domain, for the matching service."""

from __future__ import annotations

from scenograph.runtime.contracts import MatchBatch
from scenograph.runtime.converters import alignment_to_pb, graph_from_pb, query_from_pb, timings_to_pb
from scenograph.scene.graph import GraphQuery, SceneGraph
from scenograph.v1 import matching_pb2 as pb


def query_of(request: pb.MatchRequest) -> GraphQuery:
    return query_from_pb(request.query, field="query")


def candidates_of(request: pb.MatchRequest) -> list[SceneGraph]:
    return [graph_from_pb(graph, field=f"candidates[{i}]") for i, graph in enumerate(request.candidates)]


def batch_to_pb(batch: MatchBatch) -> pb.MatchResponse:
    return pb.MatchResponse(
        alignments=[alignment_to_pb(alignment) for alignment in batch.alignments],
        pack_version=batch.pack_version,
        timings=timings_to_pb(batch.timings),
    )
