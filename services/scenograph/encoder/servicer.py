"""EncoderService over gRPC: convert, call, convert."""

from __future__ import annotations

import grpc

from scenograph.encoder.converters import (
    graphs_from_pb,
    graphs_to_pb,
    images_from_pb,
    images_to_pb,
    texts_to_pb,
)
from scenograph.runtime.contracts import Encoder
from scenograph.v1 import encoder_pb2 as pb
from scenograph.v1 import encoder_pb2_grpc


class EncoderServicer(encoder_pb2_grpc.EncoderServiceServicer):
    """Serves a contracts.Encoder."""

    def __init__(self, app: Encoder) -> None:
        self.app = app

    async def EncodeImages(
        self, request: pb.EncodeImagesRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.EncodeImagesResponse:
        return images_to_pb(await self.app.encode_images(images_from_pb(request.images)))

    async def EncodeTexts(
        self, request: pb.EncodeTextsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.EncodeTextsResponse:
        return texts_to_pb(await self.app.encode_texts(list(request.texts)))

    async def EncodeGraphs(
        self, request: pb.EncodeGraphsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.EncodeGraphsResponse:
        return graphs_to_pb(await self.app.encode_graphs(graphs_from_pb(request)))
