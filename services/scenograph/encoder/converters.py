"""Protobuf <-> domain, for the encoder service."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.runtime.contracts import EmbeddingBatch, ImageFeatures
from scenograph.runtime.converters import embedding_to_pb, features_from_pb, graph_from_pb, timings_to_pb
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import SceneGraph
from scenograph.v1 import encoder_pb2


def images_from_pb(messages: Sequence[encoder_pb2.ImageInput]) -> list[bytes | ImageFeatures]:
    """Encoded files or features.

    Errors: InvalidInput (neither given; an upload id, which only the gateway keeps).
    """
    images: list[bytes | ImageFeatures] = []
    for place, message in enumerate(messages):
        if message.HasField("features"):
            images.append(features_from_pb(message.features))
        elif not message.HasField("image"):
            raise InvalidInput("needs an image or features", field=f"images[{place}]")
        elif message.image.HasField("upload_id"):
            raise InvalidInput(
                "only the gateway takes an upload id", field=f"images[{place}].image.upload_id"
            )
        else:
            images.append(message.image.content)
    return images


def graphs_from_pb(request: encoder_pb2.EncodeGraphsRequest) -> list[SceneGraph]:
    return [graph_from_pb(graph, field=f"graphs[{place}]") for place, graph in enumerate(request.graphs)]


def images_to_pb(batch: EmbeddingBatch) -> encoder_pb2.EncodeImagesResponse:
    return encoder_pb2.EncodeImagesResponse(
        embeddings=[embedding_to_pb(vector) for vector in batch.vectors],
        pack_version=batch.pack_version,
        timings=timings_to_pb(batch.timings),
    )


def texts_to_pb(batch: EmbeddingBatch) -> encoder_pb2.EncodeTextsResponse:
    return encoder_pb2.EncodeTextsResponse(
        embeddings=[embedding_to_pb(vector) for vector in batch.vectors],
        pack_version=batch.pack_version,
        timings=timings_to_pb(batch.timings),
    )


def graphs_to_pb(batch: EmbeddingBatch) -> encoder_pb2.EncodeGraphsResponse:
    return encoder_pb2.EncodeGraphsResponse(
        embeddings=[embedding_to_pb(vector) for vector in batch.vectors],
        pack_version=batch.pack_version,
        timings=timings_to_pb(batch.timings),
    )
