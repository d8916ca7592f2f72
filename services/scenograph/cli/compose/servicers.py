"""Service by its short name: what it is called over gRPC, and how its app is hung into a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from scenograph.cli.compose.apps import Apps

if TYPE_CHECKING:
    from scenograph.runtime.server import Register


class Service(NamedTuple):
    """`name` as in the proto; `register` makes the app and says how to add it to a server."""

    name: str
    register: Callable[[Apps], Register]


def _visual(apps: Apps) -> Register:
    from scenograph.v1.visual_pb2_grpc import add_VisualGraphServiceServicer_to_server
    from scenograph.visual.servicer import VisualServicer

    servicer = VisualServicer(apps.visual)
    return lambda server: add_VisualGraphServiceServicer_to_server(servicer, server)


def _textual(apps: Apps) -> Register:
    from scenograph.textual.servicer import TextualServicer
    from scenograph.v1.textual_pb2_grpc import add_TextualGraphServiceServicer_to_server

    servicer = TextualServicer(apps.textual)
    return lambda server: add_TextualGraphServiceServicer_to_server(servicer, server)


def _encoder(apps: Apps) -> Register:
    from scenograph.encoder.servicer import EncoderServicer
    from scenograph.v1.encoder_pb2_grpc import add_EncoderServiceServicer_to_server

    servicer = EncoderServicer(apps.encoder)
    return lambda server: add_EncoderServiceServicer_to_server(servicer, server)


def _hashing(apps: Apps) -> Register:
    from scenograph.hashing.servicer import HashingServicer
    from scenograph.v1.hashing_pb2_grpc import add_HashingServiceServicer_to_server

    servicer = HashingServicer(apps.hashing)
    return lambda server: add_HashingServiceServicer_to_server(servicer, server)


def _matching(apps: Apps) -> Register:
    from scenograph.matching.servicer import MatchingServicer
    from scenograph.v1.matching_pb2_grpc import add_MatchingServiceServicer_to_server

    servicer = MatchingServicer(apps.matching)
    return lambda server: add_MatchingServiceServicer_to_server(servicer, server)


def _index(apps: Apps) -> Register:
    from scenograph.cli.compose.remotes import Reached
    from scenograph.index.servicer import IndexServicer
    from scenograph.v1.index_pb2_grpc import add_IndexServiceServicer_to_server

    servicer = IndexServicer(Reached(apps).index())
    return lambda server: add_IndexServiceServicer_to_server(servicer, server)


def _gateway(apps: Apps) -> Register:
    from scenograph.gateway.sent import SentAnswers
    from scenograph.gateway.servicer import GatewayServicer
    from scenograph.v1.gateway_pb2_grpc import add_GatewayServiceServicer_to_server

    settings = apps.parts.settings.gateway
    sent = SentAnswers(apps.gateway, max_bytes=settings.answers_bytes, ttl_s=settings.ranking_ttl_s)
    servicer = GatewayServicer(apps.gateway, sent)
    return lambda server: add_GatewayServiceServicer_to_server(servicer, server)


SERVICES: dict[str, Service] = {
    "visual": Service("scenograph.v1.VisualGraphService", _visual),
    "textual": Service("scenograph.v1.TextualGraphService", _textual),
    "encoder": Service("scenograph.v1.EncoderService", _encoder),
    "hashing": Service("scenograph.v1.HashingService", _hashing),
    "matching": Service("scenograph.v1.MatchingService", _matching),
    "index": Service("scenograph.v1.IndexService", _index),
    "gateway": Service("scenograph.v1.GatewayService", _gateway),
}
