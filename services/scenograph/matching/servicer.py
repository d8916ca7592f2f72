"""MatchingService over gRPC: convert, call, convert."""

from __future__ import annotations

import grpc

from scenograph.matching.converters import batch_to_pb, candidates_of, query_of, weights_of
from scenograph.runtime.contracts import Matching
from scenograph.v1 import matching_pb2 as pb
from scenograph.v1 import matching_pb2_grpc


class MatchingServicer(matching_pb2_grpc.MatchingServiceServicer):
    """Serves a contracts.Matching."""

    def __init__(self, app: Matching) -> None:
        self.app = app

    async def Match(
        self, request: pb.MatchRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.MatchResponse:
        query, candidates = query_of(request), candidates_of(request)
        weights = weights_of(request)
        return batch_to_pb(await self.app.match(query, candidates, explain=request.explain, weights=weights))
