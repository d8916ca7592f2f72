"""A query ready for the stages, also as bytes for the cache."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from scenograph.gateway.graphstage import WeightedGraph
from scenograph.runtime.contracts import CodeArray, FloatArray
from scenograph.scene.errors import DeadlineExceeded, ResourceExhausted, Unavailable
from scenograph.scene.units import decode_units, encode_units

SKIPPABLE = (Unavailable, DeadlineExceeded, ResourceExhausted)
"""Errors of a service without which a search still has an answer, a lesser one."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A query ready for the stages: embedding (D,) float32 of length 1, code (bits / 8,) uint8, how sure each
    of its bits is (bits,) float32, the parts' graphs.

    `degraded` says why a part has no graph, and is empty where all have theirs.
    """

    embedding: FloatArray
    code: CodeArray
    bit_weights: FloatArray
    graphs: tuple[WeightedGraph, ...]
    degraded: str = ""

    @property
    def hard(self) -> bool:
        """Whether some part must be there, or must not."""
        return any(graph.hard for graph in self.graphs)


class _Kept(msgspec.Struct, array_like=True):
    """A prepared query in the cache."""

    embedding: bytes
    code: bytes
    bit_weights: bytes
    graphs: tuple[WeightedGraph, ...]


_encode = msgspec.msgpack.Encoder(enc_hook=encode_units).encode
_kept = msgspec.msgpack.Decoder(_Kept, dec_hook=decode_units)


def to_bytes(prepared: Prepared) -> bytes:
    arrays = (prepared.embedding, prepared.code, prepared.bit_weights)
    embedding, code, bit_weights = (array.tobytes() for array in arrays)
    return _encode(_Kept(embedding, code, bit_weights, prepared.graphs))


def from_bytes(raw: bytes) -> Prepared:
    kept = _kept.decode(raw)
    embedding, bit_weights = (
        np.frombuffer(part, dtype=np.float32) for part in (kept.embedding, kept.bit_weights)
    )
    return Prepared(embedding, np.frombuffer(kept.code, dtype=np.uint8), bit_weights, kept.graphs)
