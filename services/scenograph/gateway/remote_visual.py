"""The visual service in another process."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.gateway.reaching import PLAINLY, Reaching
from scenograph.gateway.remote import Remote
from scenograph.runtime.contracts import VisualBatch, VisualGraph
from scenograph.runtime.converters import features_from_pb, graph_from_pb, timings_from_pb
from scenograph.runtime.status import error_from_item_status
from scenograph.scene.errors import ScenographError
from scenograph.v1 import common_pb2, visual_pb2, visual_pb2_grpc


class RemoteVisualGraphs(Remote):
    """VisualGraphs over gRPC."""

    service = "scenograph.v1.VisualGraphService"
    repeatable = ("BuildVisualGraphs",)

    def __init__(self, address: str, reaching: Reaching = PLAINLY) -> None:
        super().__init__(address, reaching)
        self._stub = visual_pb2_grpc.VisualGraphServiceStub(self._channel)

    async def build(
        self, images: Sequence[bytes], *, include_features: bool = False, include_units: bool = False
    ) -> VisualBatch:
        request = visual_pb2.BuildVisualGraphsRequest(
            images=[common_pb2.Image(content=image) for image in images],
            include_features=include_features,
            include_units=include_units,
        )
        response = await self._call(self._stub.BuildVisualGraphs, request)
        results = [_result(message) for message in response.results]
        return VisualBatch(results, response.pack_version, timings_from_pb(response.timings))


def _result(message: visual_pb2.VisualGraphResult) -> VisualGraph | ScenographError:
    error = error_from_item_status(message.status)
    if error is not None:
        return error
    visual = message.visual
    features = features_from_pb(visual.features) if visual.HasField("features") else None
    return VisualGraph(graph_from_pb(visual.graph), visual.width, visual.height, features)
