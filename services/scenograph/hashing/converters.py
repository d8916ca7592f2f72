"""Protobuf <-> domain, for the hashing service."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scenograph.runtime.contracts import DEFAULT_BITS, CodeBatch, FloatArray
from scenograph.runtime.converters import code_to_pb, timings_to_pb
from scenograph.scene.errors import InvalidInput
from scenograph.v1 import common_pb2, hashing_pb2


def embeddings_from_pb(messages: Sequence[common_pb2.Embedding]) -> FloatArray:
    """Vectors (B, D).  Errors: InvalidInput where one has another size than the first."""
    size = len(messages[0].values) if messages else 0
    for place, message in enumerate(messages):
        if len(message.values) != size:
            raise InvalidInput(
                f"has {len(message.values)} values, the first has {size}", field=f"embeddings[{place}]"
            )
    return np.array([message.values for message in messages], dtype=np.float32).reshape(len(messages), size)


def bits_from_pb(request: hashing_pb2.HashRequest) -> int:
    return request.bits or DEFAULT_BITS


def codes_to_pb(batch: CodeBatch) -> hashing_pb2.HashResponse:
    return hashing_pb2.HashResponse(
        codes=[code_to_pb(code, batch.bits) for code in batch.codes],
        pack_version=batch.pack_version,
        timings=timings_to_pb(batch.timings),
        projections=[
            hashing_pb2.Projections(values=row.tolist())
            for row in (() if batch.projections is None else batch.projections)
        ],
    )
