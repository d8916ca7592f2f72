"""HashingApp: from vectors to packed binary codes."""

from __future__ import annotations

import time

import numpy as np

from scenograph.runtime.checks import check_count, check_vector
from scenograph.runtime.contracts import CODE_BITS, DEFAULT_BITS, CodeArray, CodeBatch, FloatArray
from scenograph.runtime.sessions import Sessions
from scenograph.scene.errors import InvalidInput

MODEL = "hash_head"
MAX_EMBEDDINGS = 4096


class HashingApp:
    """Turns vectors into codes (contracts.Hashing)."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        (given,) = sessions.pack.manifest.models[MODEL].inputs
        self._size = int(given.shape[1])

    async def hash(
        self, embeddings: FloatArray, *, bits: int = DEFAULT_BITS, include_projections: bool = False
    ) -> CodeBatch:
        """Codes of embeddings (B, D).  Errors: InvalidInput (count, size, values, bits)."""
        check_count(embeddings, MAX_EMBEDDINGS, "embeddings")
        if bits not in CODE_BITS:
            allowed = ", ".join(map(str, CODE_BITS))
            raise InvalidInput(f"codes have {allowed} bits, not {bits}", field="bits")
        for place, vector in enumerate(embeddings):
            check_vector(vector, self._size, f"embeddings[{place}]")
        start = time.perf_counter()
        answer = await self._sessions.run(MODEL, {"embedding": embeddings.astype(np.float32)})
        projections = answer["projections"][:, :bits]
        return CodeBatch(
            pack_codes(projections, bits),
            bits,
            self._sessions.pack.id,
            {"hash": (time.perf_counter() - start) * 1e3},
            projections if include_projections else None,
        )


def pack_codes(projections: FloatArray, bits: int) -> CodeArray:
    """Bit i is 1 where projection i is positive.

    Shapes: (B, >= bits) -> (B, bits / 8) uint8, bit 0 the highest of byte 0.
    """
    return np.packbits(projections[:, :bits] > 0, axis=1)
