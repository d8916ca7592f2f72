"""GRPCInferenceService of the Open Inference Protocol v2: convert, call, convert."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import TypeAlias

import grpc

from scenograph.inference.app import InferenceApp
from scenograph.inference.converters import (
    answer_to_pb,
    index_to_pb,
    model_to_pb,
    run_from_pb,
    streamed_to_pb,
)
from scenograph.oip import inference_pb2 as pb
from scenograph.oip import inference_pb2_grpc
from scenograph.runtime.ordered import in_order
from scenograph.scene.errors import InvalidInput, ScenographError

Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"

EXTENSIONS = ("model_repository", "parameters")
STREAM_IN_FLIGHT = 8


class InferenceServicer(inference_pb2_grpc.GRPCInferenceServiceServicer):
    """Serves an InferenceApp."""

    def __init__(self, app: InferenceApp) -> None:
        self.app = app

    async def ServerLive(self, request: pb.ServerLiveRequest, context: Context) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(self, request: pb.ServerReadyRequest, context: Context) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=self.app.ready())

    async def ModelReady(self, request: pb.ModelReadyRequest, context: Context) -> pb.ModelReadyResponse:
        return pb.ModelReadyResponse(ready=self.app.model_ready(request.name, request.version))

    async def ServerMetadata(
        self, request: pb.ServerMetadataRequest, context: Context
    ) -> pb.ServerMetadataResponse:
        return pb.ServerMetadataResponse(
            name="scenograph", version=version("scenograph"), extensions=EXTENSIONS
        )

    async def ModelMetadata(
        self, request: pb.ModelMetadataRequest, context: Context
    ) -> pb.ModelMetadataResponse:
        return model_to_pb(self.app.model(request.name, request.version), self.app.version)

    async def ModelInfer(self, request: pb.ModelInferRequest, context: Context) -> pb.ModelInferResponse:
        return await self._infer(request)

    async def ModelStreamInfer(
        self, request_iterator: AsyncIterator[pb.ModelInferRequest], context: Context
    ) -> AsyncIterator[pb.ModelStreamInferResponse]:
        async for response in in_order(request_iterator, self._stream, STREAM_IN_FLIGHT):
            yield response

    async def RepositoryIndex(
        self, request: pb.RepositoryIndexRequest, context: Context
    ) -> pb.RepositoryIndexResponse:
        models = self.app.index(request.repository_name, ready_only=request.ready)
        return index_to_pb(models, self.app.version)

    async def RepositoryModelLoad(
        self, request: pb.RepositoryModelLoadRequest, context: Context
    ) -> pb.RepositoryModelLoadResponse:
        if request.parameters:
            raise InvalidInput(
                f"models are loaded as the pack has them, without {', '.join(sorted(request.parameters))}",
                field="parameters",
            )
        await self.app.load(request.model_name, request.repository_name)
        return pb.RepositoryModelLoadResponse()

    async def RepositoryModelUnload(
        self, request: pb.RepositoryModelUnloadRequest, context: Context
    ) -> pb.RepositoryModelUnloadResponse:
        await self.app.unload(request.model_name, request.repository_name)
        return pb.RepositoryModelUnloadResponse()

    async def _infer(self, request: pb.ModelInferRequest) -> pb.ModelInferResponse:
        return answer_to_pb(request, self.app.version, await self.app.infer(run_from_pb(request)))

    async def _stream(self, request: pb.ModelInferRequest) -> pb.ModelStreamInferResponse:
        try:
            return streamed_to_pb(await self._infer(request))
        except ScenographError as error:
            failed = pb.ModelInferResponse(model_name=request.model_name, id=request.id)
            return streamed_to_pb(failed, error.message)
