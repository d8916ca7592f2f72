"""The encoder service in another process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from scenograph.gateway.reaching import PLAINLY, Reaching
from scenograph.gateway.remote import Remote
from scenograph.runtime.contracts import EmbeddingBatch, FloatArray, ImageFeatures
from scenograph.runtime.converters import embedding_from_pb, features_to_pb, graph_to_pb, timings_from_pb
from scenograph.scene.graph import SceneGraph
from scenograph.v1 import common_pb2, encoder_pb2, encoder_pb2_grpc


class RemoteEncoder(Remote):
    """Encoder over gRPC."""

    service = "scenograph.v1.EncoderService"
    repeatable = ("EncodeImages", "EncodeTexts", "EncodeGraphs")

    def __init__(self, address: str, reaching: Reaching = PLAINLY) -> None:
        super().__init__(address, reaching)
        self._stub = encoder_pb2_grpc.EncoderServiceStub(self._channel)

    async def encode_images(self, images: Sequence[bytes | ImageFeatures]) -> EmbeddingBatch:
        request = encoder_pb2.EncodeImagesRequest(images=[_input(image) for image in images])
        response = await self._call(self._stub.EncodeImages, request)
        return _batch(response)

    async def encode_texts(self, texts: Sequence[str]) -> EmbeddingBatch:
        response = await self._call(self._stub.EncodeTexts, encoder_pb2.EncodeTextsRequest(texts=texts))
        return _batch(response)

    async def encode_graphs(self, graphs: Sequence[SceneGraph]) -> EmbeddingBatch:
        request = encoder_pb2.EncodeGraphsRequest(graphs=[graph_to_pb(graph) for graph in graphs])
        response = await self._call(self._stub.EncodeGraphs, request)
        return _batch(response)


_Encoded: TypeAlias = (
    encoder_pb2.EncodeImagesResponse | encoder_pb2.EncodeTextsResponse | encoder_pb2.EncodeGraphsResponse
)


def _input(image: bytes | ImageFeatures) -> encoder_pb2.ImageInput:
    if isinstance(image, ImageFeatures):
        return encoder_pb2.ImageInput(features=features_to_pb(image))
    return encoder_pb2.ImageInput(image=common_pb2.Image(content=image))


def _batch(response: _Encoded) -> EmbeddingBatch:
    vectors: FloatArray = np.stack([embedding_from_pb(message) for message in response.embeddings])
    return EmbeddingBatch(vectors, response.pack_version, timings_from_pb(response.timings))
