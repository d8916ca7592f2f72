"""Calls to services in other processes: channel, deadline, ids, errors. Adapters are in `remote_*.py`.

An adapter meets the same Protocol as the service's app in this process; callers cannot tell which they hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import TypeVar

import grpc
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from opentelemetry.trace import SpanKind

from scenograph.runtime import deadline
from scenograph.runtime.interceptors.access import REQUEST_ID_KEY
from scenograph.runtime.logs import request_id
from scenograph.runtime.status import from_rpc_error
from scenograph.runtime.telemetry.propagation import sent
from scenograph.runtime.telemetry.spans import Attributes, span
from scenograph.scene.errors import DeadlineExceeded
from scenograph.v1.limits import SERVICE_MESSAGE_BYTES

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT")

_RETRIES = {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def connect(address: str, service: str, repeatable: Iterable[str]) -> grpc.aio.Channel:
    """A channel to host:port, its calls spread over all addresses of the name; nothing is connected yet.

    Addresses whose health is not SERVING, since they start or drain, get no calls. `repeatable` methods are
    tried again where the service could not be reached.
    """
    names = [{"service": service, "method": method} for method in repeatable]
    config = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": service},
        "methodConfig": [{"name": names, "retryPolicy": _RETRIES}],
    }
    options = [
        ("grpc.max_send_message_length", SERVICE_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", -1),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.service_config", json.dumps(config)),
    ]
    return grpc.aio.insecure_channel(address, options=options)


@cache
def _method_name(request: Descriptor) -> str:
    """The method that takes such requests, as traces name it."""
    for service in request.file.services_by_name.values():
        for method in service.methods:
            if method.input_type is request:
                return f"{service.full_name}/{method.name}"
    return "_OTHER"


class Remote:
    """A service behind a channel. `repeatable`: the methods that may be tried again."""

    service = ""
    repeatable: tuple[str, ...] = ()

    def __init__(self, address: str) -> None:
        self.address = address
        host, _, port = address.rpartition(":")
        self._about: Attributes = {
            "rpc.system.name": "grpc",
            "server.address": host or address,
            **({"server.port": int(port)} if host and port.isdecimal() else {}),
        }
        self._channel = connect(address, self.service, self.repeatable)

    async def close(self) -> None:
        """Closes the channel; calls under way end as Unavailable."""
        await self._channel.close()

    async def _call(
        self, method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT
    ) -> ResponseT:
        """One call, with the time that is left, the id of the request being served, and its trace.

        Errors: the service's own, in domain words; Unavailable where it cannot be reached; DeadlineExceeded.
        """
        left = deadline.remaining()
        if left == 0.0:
            raise DeadlineExceeded("the request's time ran out")
        identity = request_id.get()
        name = _method_name(request.DESCRIPTOR)
        with span(name, {**self._about, "rpc.method": name}, SpanKind.CLIENT) as running:
            metadata = (*(((REQUEST_ID_KEY, identity),) if identity else ()), *sent())
            try:
                answer = await method(request, timeout=left, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                running.set_attribute("rpc.response.status_code", error.code().name)
                raise from_rpc_error(error) from None
            running.set_attribute("rpc.response.status_code", "OK")
            return answer
