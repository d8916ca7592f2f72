"""How channels are made: message sizes, and retries of calls that are safe to repeat."""

from __future__ import annotations

import json

import grpc

from scenograph.client.tls import TLS
from scenograph.v1.limits import MAX_MESSAGE_BYTES

DEFAULT_ADDRESS = "localhost:7700"
DEFAULT_TIMEOUT = 60.0
GATEWAY = "scenograph.v1.GatewayService"
TEXTUAL = "scenograph.v1.TextualGraphService"
VISUAL = "scenograph.v1.VisualGraphService"
ENCODER = "scenograph.v1.EncoderService"
ADMIN = "scenograph.v1.AdminService"
HEALTH = "grpc.health.v1.Health"
HEALTH_CHECK = f"/{HEALTH}/Check"

# Reading changes nothing, so a server that could not be reached may be asked again. gRPC says CANCELLED of
# what a server that ends has not taken yet (grpc/grpc#41785); who cancels a call sees no repetition.
_SAFE = {
    GATEWAY: ("ListCollections", "GetItem", "ListItems", "Search", "Rank", "ServerInfo"),
    TEXTUAL: ("ParseTexts",),
    VISUAL: ("BuildVisualGraph",),
    ENCODER: ("EncodeImages", "EncodeTexts"),
    ADMIN: ("ListPacks", "GetReencoding", "ListReencodings"),
}
_RETRIES = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}


def channel_options() -> list[tuple[str, str | int]]:
    """gRPC channel arguments: 16 MiB requests, answers of any size, retries where safe.

    Calls go to all addresses that the server's name has, in turn.
    """
    names = [
        {"service": service, "method": method} for service, methods in _SAFE.items() for method in methods
    ]
    config = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [{"name": names, "retryPolicy": _RETRIES}],
    }
    return [
        ("grpc.dns_min_time_between_resolutions_ms", 2_000),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.service_config", json.dumps(config)),
    ]


def secured(
    tls: TLS | bool, credentials: grpc.ChannelCredentials | None
) -> tuple[grpc.ChannelCredentials | None, list[tuple[str, str | int]]]:
    """The credentials to connect with, None for no encryption, and the channel's arguments.

    Errors: InvalidInput where a file cannot be read, ValueError where both are given.
    """
    if not tls:
        return credentials, channel_options()
    if credentials is not None:
        raise ValueError("tls and credentials exclude each other")
    chosen = TLS() if tls is True else tls
    options = channel_options()
    if chosen.server_name:
        options.append(("grpc.ssl_target_name_override", chosen.server_name))
    return chosen.credentials(), options
