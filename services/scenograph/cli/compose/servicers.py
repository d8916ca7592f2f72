"""Service by its short name: what it is called over gRPC, and how it is hung into a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from scenograph.cli.compose.process import Process
from scenograph.cli.compose.switched import switched

if TYPE_CHECKING:
    from scenograph.runtime.server import Register


class Service(NamedTuple):
    """`name` as in the proto; `register` says how to add it to a server, with the packs of a process."""

    name: str
    register: Callable[[Process], Register]


def _visual(process: Process) -> Register:
    from scenograph.v1.visual_pb2_grpc import add_VisualGraphServiceServicer_to_server
    from scenograph.visual.servicer import VisualServicer

    servicer = switched(process.packs, lambda apps: apps.visual, VisualServicer)
    return lambda server: add_VisualGraphServiceServicer_to_server(servicer, server)


def _textual(process: Process) -> Register:
    from scenograph.textual.servicer import TextualServicer
    from scenograph.v1.textual_pb2_grpc import add_TextualGraphServiceServicer_to_server

    servicer = switched(process.packs, lambda apps: apps.textual, TextualServicer)
    return lambda server: add_TextualGraphServiceServicer_to_server(servicer, server)


def _encoder(process: Process) -> Register:
    from scenograph.encoder.servicer import EncoderServicer
    from scenograph.v1.encoder_pb2_grpc import add_EncoderServiceServicer_to_server

    servicer = switched(process.packs, lambda apps: apps.encoder, EncoderServicer)
    return lambda server: add_EncoderServiceServicer_to_server(servicer, server)


def _hashing(process: Process) -> Register:
    from scenograph.hashing.servicer import HashingServicer
    from scenograph.v1.hashing_pb2_grpc import add_HashingServiceServicer_to_server

    servicer = switched(process.packs, lambda apps: apps.hashing, HashingServicer)
    return lambda server: add_HashingServiceServicer_to_server(servicer, server)


def _matching(process: Process) -> Register:
    from scenograph.matching.servicer import MatchingServicer
    from scenograph.v1.matching_pb2_grpc import add_MatchingServiceServicer_to_server

    servicer = switched(process.packs, lambda apps: apps.matching, MatchingServicer)
    return lambda server: add_MatchingServiceServicer_to_server(servicer, server)


def _index(process: Process) -> Register:
    from scenograph.index.servicer import IndexServicer
    from scenograph.v1.index_pb2_grpc import add_IndexServiceServicer_to_server

    servicer = IndexServicer(process.index)
    return lambda server: add_IndexServiceServicer_to_server(servicer, server)


def _gateway(process: Process) -> Register:
    from scenograph.gateway.sent import SentAnswers
    from scenograph.gateway.servicer import GatewayServicer
    from scenograph.v1.gateway_pb2_grpc import add_GatewayServiceServicer_to_server

    chosen = process.settings.gateway
    sent = SentAnswers(process.gateway, max_bytes=chosen.answers_bytes, ttl_s=chosen.ranking_ttl_s)
    servicer = GatewayServicer(process.gateway, sent)
    return lambda server: add_GatewayServiceServicer_to_server(servicer, server)


def _admin(process: Process) -> Register:
    from scenograph.admin.servicer import AdminServicer
    from scenograph.v1.admin_pb2_grpc import add_AdminServiceServicer_to_server

    servicer = AdminServicer(process.admin)
    return lambda server: add_AdminServiceServicer_to_server(servicer, server)


def _inference(process: Process) -> Register:
    from scenograph.inference.servicer import InferenceServicer
    from scenograph.oip.inference_pb2_grpc import add_GRPCInferenceServiceServicer_to_server

    servicer = switched(process.packs, lambda apps: apps.inference, InferenceServicer)
    return lambda server: add_GRPCInferenceServiceServicer_to_server(servicer, server)


ADMIN = Service("scenograph.v1.AdminService", _admin)
INFERENCE = Service("inference.GRPCInferenceService", _inference)


def served(process: Process, *, shared_port: bool = False) -> list[Service]:
    """What a process offers: its services, and those that come with them.

    Where other processes listen at the same port, a call to switch packs would reach one of them alone.
    """
    found = [SERVICES[name] for name in process.services]
    found += [ADMIN] if process.needs_pack and not shared_port else []
    return found + ([INFERENCE] if process.serves_inference else [])


SERVICES: dict[str, Service] = {
    "visual": Service("scenograph.v1.VisualGraphService", _visual),
    "textual": Service("scenograph.v1.TextualGraphService", _textual),
    "encoder": Service("scenograph.v1.EncoderService", _encoder),
    "hashing": Service("scenograph.v1.HashingService", _hashing),
    "matching": Service("scenograph.v1.MatchingService", _matching),
    "index": Service("scenograph.v1.IndexService", _index),
    "gateway": Service("scenograph.v1.GatewayService", _gateway),
}
