"""The textual service in another process."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.gateway.reaching import PLAINLY, Reaching
from scenograph.gateway.remote import Remote
from scenograph.runtime.contracts import Parser, TextBatch
from scenograph.runtime.converters import graph_from_pb, timings_from_pb
from scenograph.runtime.status import error_from_item_status
from scenograph.v1 import textual_pb2, textual_pb2_grpc


class RemoteTextualGraphs(Remote):
    """TextualGraphs over gRPC."""

    service = "scenograph.v1.TextualGraphService"
    repeatable = ("ParseTexts",)

    def __init__(self, address: str, reaching: Reaching = PLAINLY) -> None:
        super().__init__(address, reaching)
        self._stub = textual_pb2_grpc.TextualGraphServiceStub(self._channel)

    async def parse(
        self, texts: Sequence[str], *, parser: Parser = Parser.UNSPECIFIED, include_units: bool = False
    ) -> TextBatch:
        request = textual_pb2.ParseTextsRequest(
            texts=texts, parser=textual_pb2.Parser.ValueType(parser), include_units=include_units
        )
        response = await self._call(self._stub.ParseTexts, request)
        results = [
            error_from_item_status(message.status) or graph_from_pb(message.graph)
            for message in response.results
        ]
        return TextBatch(results, response.pack_version, timings_from_pb(response.timings))
