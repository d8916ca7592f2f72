"""VisualGraphService over gRPC: convert, call, convert."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias

import grpc

from scenograph.runtime.contracts import VisualBatch, VisualGraphs
from scenograph.runtime.converters import timings_to_pb
from scenograph.runtime.ordered import in_order
from scenograph.runtime.status import item_status
from scenograph.scene.errors import ScenographError
from scenograph.v1 import visual_pb2 as pb
from scenograph.v1 import visual_pb2_grpc
from scenograph.visual.converters import batch_to_pb, blame, image_from_pb, result_to_pb, visual_to_pb

STREAM_IN_FLIGHT = 8

Request: TypeAlias = "pb.BuildVisualGraphRequest | pb.BuildVisualGraphsRequest | pb.StreamVisualGraphsRequest"


class VisualServicer(visual_pb2_grpc.VisualGraphServiceServicer):
    """Serves a contracts.VisualGraphs."""

    def __init__(self, app: VisualGraphs, *, in_flight: int = STREAM_IN_FLIGHT) -> None:
        self.app = app
        self.in_flight = in_flight

    async def BuildVisualGraph(
        self, request: pb.BuildVisualGraphRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.BuildVisualGraphResponse:
        image = image_from_pb(request.image, field="image")
        batch = await self._build([image], request)
        (result,) = batch.results
        if isinstance(result, ScenographError):
            raise blame(result, "image")
        return pb.BuildVisualGraphResponse(
            visual=visual_to_pb(result),
            pack_version=batch.pack_version,
            timings=timings_to_pb(batch.timings),
        )

    async def BuildVisualGraphs(
        self, request: pb.BuildVisualGraphsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.BuildVisualGraphsResponse:
        images = [
            image_from_pb(image, field=f"images[{place}]") for place, image in enumerate(request.images)
        ]
        return batch_to_pb(await self._build(images, request))

    async def StreamVisualGraphs(
        self,
        request_iterator: AsyncIterator[pb.StreamVisualGraphsRequest],
        context: grpc.aio.ServicerContext[object, object],
    ) -> AsyncIterator[pb.StreamVisualGraphsResponse]:
        async for response in in_order(request_iterator, self._answer, self.in_flight):
            yield response

    async def _build(self, images: Sequence[bytes], request: Request) -> VisualBatch:
        return await self.app.build(
            images, include_features=request.include_features, include_units=request.include_units
        )

    async def _answer(self, request: pb.StreamVisualGraphsRequest) -> pb.StreamVisualGraphsResponse:
        try:
            image = image_from_pb(request.image, field="image")
            batch = await self._build([image], request)
        except ScenographError as error:
            failed = pb.VisualGraphResult(status=item_status(error))
            return pb.StreamVisualGraphsResponse(id=request.id, result=failed)
        (result,) = batch.results
        if isinstance(result, ScenographError):
            result = blame(result, "image")
        return pb.StreamVisualGraphsResponse(
            id=request.id, result=result_to_pb(result), pack_version=batch.pack_version
        )
