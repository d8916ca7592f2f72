"""TextualGraphService over gRPC: convert, call, convert."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias

import grpc

from scenograph.runtime.contracts import TextBatch, TextualGraphs
from scenograph.runtime.ordered import in_order
from scenograph.scene.errors import ScenographError
from scenograph.textual.converters import (
    batch_to_pb,
    failed_to_pb,
    parser_from_pb,
    single_to_pb,
    streamed_to_pb,
)
from scenograph.v1 import textual_pb2 as pb
from scenograph.v1 import textual_pb2_grpc

STREAM_IN_FLIGHT = 64

Request: TypeAlias = "pb.ParseTextRequest | pb.ParseTextsRequest | pb.StreamTextsRequest"


class TextualServicer(textual_pb2_grpc.TextualGraphServiceServicer):
    """Serves a contracts.TextualGraphs."""

    def __init__(self, app: TextualGraphs, *, in_flight: int = STREAM_IN_FLIGHT) -> None:
        self.app = app
        self.in_flight = in_flight

    async def ParseText(
        self, request: pb.ParseTextRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.ParseTextResponse:
        return single_to_pb(await self._parse([request.text], request))

    async def ParseTexts(
        self, request: pb.ParseTextsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.ParseTextsResponse:
        return batch_to_pb(await self._parse(request.texts, request))

    async def StreamTexts(
        self,
        request_iterator: AsyncIterator[pb.StreamTextsRequest],
        context: grpc.aio.ServicerContext[object, object],
    ) -> AsyncIterator[pb.StreamTextsResponse]:
        async for response in in_order(request_iterator, self._answer, self.in_flight):
            yield response

    async def _answer(self, request: pb.StreamTextsRequest) -> pb.StreamTextsResponse:
        try:
            return streamed_to_pb(request.id, await self._parse([request.text], request))
        except ScenographError as error:
            return failed_to_pb(request.id, error)

    async def _parse(self, texts: Sequence[str], request: Request) -> TextBatch:
        parser = parser_from_pb(request.parser)
        return await self.app.parse(texts, parser=parser, include_units=request.include_units)
