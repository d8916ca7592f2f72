"""The encoder's models as MLServer serves them: a runtime of its own, loaded by MLServer in its environment.

`parameters.extra` of a model has `kind` ("texts" or "images"), `pack`, and `threads`: runs at the same time.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from scenograph.bench.bare import Bare
from scenograph.packs import open_pack
from scenograph.runtime.contracts import FloatArray


class Embedder(MLModel):  # type: ignore[misc]
    """One input of BYTES, texts in UTF-8 or image files -> their embeddings (B, D) FP32."""

    async def load(self) -> bool:
        chosen = self.settings.parameters.extra
        self._kind = chosen["kind"]
        self._bare = Bare(open_pack(chosen["pack"]))
        self._pool = ThreadPoolExecutor(chosen["threads"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        values = payload.inputs[0].data.root
        vectors = await asyncio.get_running_loop().run_in_executor(self._pool, self._embed, values)
        return InferenceResponse(
            model_name=self.name, outputs=[NumpyCodec.encode_output("embedding", vectors)]
        )

    def _embed(self, values: list[Any]) -> FloatArray:
        if self._kind == "images":
            return self._bare.images(values)
        return self._bare.texts([value.decode() for value in values])
