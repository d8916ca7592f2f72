"""Every RPC of every service, found by walking the descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.e2e.test_every_rpc import SERVICES

MOST_ANSWERS = 50  # of a stream that goes on and on, the rest is cancelled


@dataclass(frozen=True, slots=True)
class Method:
    """An RPC: `name` like "GatewayService/Search", `path` as gRPC calls it."""

    name: str
    path: str
    request: type[Message]
    streams_in: bool
    streams_out: bool

    def call(self, channel: grpc.Channel, requests: list[bytes], seconds: float) -> None:
        """Sends requests as they are on the wire, and reads what comes. Errors: grpc.RpcError."""
        make: Any = channel
        if self.streams_in and self.streams_out:
            answers = make.stream_stream(self.path)(iter(requests), timeout=seconds)
        elif self.streams_out:
            answers = make.unary_stream(self.path)(requests[0], timeout=seconds)
        elif self.streams_in:
            make.stream_unary(self.path)(iter(requests), timeout=seconds)
            return
        else:
            make.unary_unary(self.path)(requests[0], timeout=seconds)
            return
        for number, _ in enumerate(answers):
            if number > MOST_ANSWERS:
                answers.cancel()
                return


METHODS = {
    f"{service.name}/{method.name}": Method(
        f"{service.name}/{method.name}",
        f"/{service.full_name}/{method.name}",
        GetMessageClass(method.input_type),
        bool(method.client_streaming),
        bool(method.server_streaming),
    )
    for service in SERVICES
    for method in service.methods
}
