"""HashingService over gRPC: convert, call, convert."""

from __future__ import annotations

import grpc

from scenograph.hashing.converters import bits_from_pb, codes_to_pb, embeddings_from_pb
from scenograph.runtime.contracts import Hashing
from scenograph.v1 import hashing_pb2 as pb
from scenograph.v1 import hashing_pb2_grpc


class HashingServicer(hashing_pb2_grpc.HashingServiceServicer):
    """Serves a contracts.Hashing."""

    def __init__(self, app: Hashing) -> None:
        self.app = app

    async def Hash(
        self, request: pb.HashRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.HashResponse:
        embeddings = embeddings_from_pb(request.embeddings)
        return codes_to_pb(
            await self.app.hash(
                embeddings, bits=bits_from_pb(request), include_projections=request.include_projections
            )
        )
