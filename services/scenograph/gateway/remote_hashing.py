"""The hashing service in another process."""

from __future__ import annotations

import numpy as np

from scenograph.gateway.reaching import PLAINLY, Reaching
from scenograph.gateway.remote import Remote
from scenograph.runtime.contracts import DEFAULT_BITS, CodeArray, CodeBatch, FloatArray
from scenograph.runtime.converters import code_from_pb, embedding_to_pb, timings_from_pb
from scenograph.v1 import hashing_pb2, hashing_pb2_grpc


class RemoteHashing(Remote):
    """Hashing over gRPC."""

    service = "scenograph.v1.HashingService"
    repeatable = ("Hash",)

    def __init__(self, address: str, reaching: Reaching = PLAINLY) -> None:
        super().__init__(address, reaching)
        self._stub = hashing_pb2_grpc.HashingServiceStub(self._channel)

    async def hash(
        self, embeddings: FloatArray, *, bits: int = DEFAULT_BITS, include_projections: bool = False
    ) -> CodeBatch:
        request = hashing_pb2.HashRequest(
            embeddings=[embedding_to_pb(vector) for vector in embeddings],
            bits=bits,
            include_projections=include_projections,
        )
        response = await self._call(self._stub.Hash, request)
        codes: CodeArray = np.stack([code_from_pb(message) for message in response.codes])
        projections = np.array([list(row.values) for row in response.projections], dtype=np.float32)
        return CodeBatch(
            codes,
            bits,
            response.pack_version,
            timings_from_pb(response.timings),
            projections if include_projections else None,
        )
