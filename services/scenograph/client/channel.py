"""How channels are made: message sizes, and retries of calls that are safe to repeat."""

from __future__ import annotations

import json

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

# Reading changes nothing, so a server that could not be reached may be asked again.
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
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def channel_options() -> list[tuple[str, str | int]]:
    """gRPC channel arguments: 16 MiB requests, answers of any size, retries where safe."""
    names = [
        {"service": service, "method": method} for service, methods in _SAFE.items() for method in methods
    ]
    config = {"methodConfig": [{"name": names, "retryPolicy": _RETRIES}]}
    return [
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.service_config", json.dumps(config)),
    ]
