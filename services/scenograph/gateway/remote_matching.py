"""The matching service in another process."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.gateway.reaching import PLAINLY, Reaching
from scenograph.gateway.remote import Remote
from scenograph.runtime.contracts import MatchBatch, MatchWeights
from scenograph.runtime.converters import (
    alignment_from_pb,
    graph_to_pb,
    match_weights_to_pb,
    query_to_pb,
    timings_from_pb,
)
from scenograph.scene.graph import GraphQuery, SceneGraph
from scenograph.v1 import matching_pb2, matching_pb2_grpc


class RemoteMatching(Remote):
    """Matching over gRPC."""

    service = "scenograph.v1.MatchingService"
    repeatable = ("Match",)

    def __init__(self, address: str, reaching: Reaching = PLAINLY) -> None:
        super().__init__(address, reaching)
        self._stub = matching_pb2_grpc.MatchingServiceStub(self._channel)

    async def match(
        self,
        query: GraphQuery,
        candidates: Sequence[SceneGraph],
        *,
        explain: bool = False,
        weights: MatchWeights | None = None,
    ) -> MatchBatch:
        request = matching_pb2.MatchRequest(
            query=query_to_pb(query),
            candidates=[graph_to_pb(graph) for graph in candidates],
            explain=explain,
            weights=None if weights is None else match_weights_to_pb(weights),
        )
        response = await self._call(self._stub.Match, request)
        alignments = [alignment_from_pb(message) for message in response.alignments]
        return MatchBatch(alignments, response.pack_version, timings_from_pb(response.timings))
