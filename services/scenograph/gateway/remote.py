"""Calls to services in other processes: channel, deadline, ids, errors. Adapters are in `remote_*.py`.

An adapter meets the same Protocol as the service's app in this process; callers cannot tell which they hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import TypeVar, cast

import grpc
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from opentelemetry.trace import SpanKind

from scenograph.gateway.reaching import BALANCING, PLAINLY, Reaching
from scenograph.gateway.renewed import RenewedChannel
from scenograph.runtime import deadline
from scenograph.runtime.certificates import Certificates
from scenograph.runtime.interceptors.access import REQUEST_ID_KEY
from scenograph.runtime.logs import request_id
from scenograph.runtime.security import forwarding
from scenograph.runtime.server import UNIX
from scenograph.runtime.status import from_rpc_error
from scenograph.runtime.telemetry.propagation import sent
from scenograph.runtime.telemetry.spans import Attributes, span
from scenograph.runtime.tls import channel_credentials
from scenograph.scene.errors import DeadlineExceeded, Unauthenticated, Unavailable
from scenograph.v1.limits import SERVICE_MESSAGE_BYTES

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT")

_RETRIES = {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],  # a server that ends says both: grpc/grpc#41785
}


def connect(
    address: str, service: str, repeatable: Iterable[str], reaching: Reaching = PLAINLY
) -> grpc.aio.Channel:
    """A channel to host:port, its calls spread over all addresses of the name; nothing is connected yet.

    `repeatable` methods are tried again where the service could not be reached. An address whose calls fail
    while those of others do not is left out for a while, and one whose health is NOT_SERVING until it serves.
    Sockets' files are reached without encryption.
    """
    names = [{"service": service, "method": method} for method in repeatable]
    config = {
        "loadBalancingConfig": BALANCING,
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
        ("grpc.dns_min_time_between_resolutions_ms", 2_000),
        ("grpc.service_config", json.dumps(config)),
    ]
    certificates = reaching.certificates
    if certificates is None or address.startswith(UNIX):
        return grpc.aio.insecure_channel(address, options=options)
    if reaching.server_name:
        options.append(("grpc.ssl_target_name_override", reaching.server_name))

    def secure(newest: Certificates) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(address, channel_credentials(newest), options=options)

    return cast("grpc.aio.Channel", RenewedChannel(certificates, secure))


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

    def __init__(self, address: str, reaching: Reaching = PLAINLY) -> None:
        self.address = address
        host, _, port = address.rpartition(":")
        self._about: Attributes = {
            "rpc.system.name": "grpc",
            "server.address": host or address,
            **({"server.port": int(port)} if host and port.isdecimal() else {}),
        }
        self._channel = connect(address, self.service, self.repeatable, reaching)
        self._circuit = reaching.circuit(self.service, address)
        self._service_key = reaching.service_key

    async def close(self) -> None:
        """Closes the channel; calls under way end as Unavailable."""
        await self._channel.close()

    async def _call(
        self, method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT
    ) -> ResponseT:
        """One call, with the time that is left, the id of the request being served, and its trace.

        Errors: the service's own, in domain words; Unavailable where it cannot be reached, or failed so often
        lately that it is not called for a while; DeadlineExceeded.
        """
        left = deadline.remaining()
        if left == 0.0:
            raise DeadlineExceeded("the request's time ran out")
        identity = request_id.get()
        name = _method_name(request.DESCRIPTOR)
        with span(name, {**self._about, "rpc.method": name}, SpanKind.CLIENT) as running:
            metadata = (*(((REQUEST_ID_KEY, identity),) if identity else ()), *sent())
            caller = forwarding.sent(self._service_key)
            try:
                with self._circuit.attempt():
                    try:
                        answer = await method(request, timeout=left, metadata=(*metadata, *caller))
                    except grpc.aio.AioRpcError as error:
                        running.set_attribute("rpc.response.status_code", error.code().name)
                        raise from_rpc_error(error) from None
            except Unauthenticated as error:  # that this process was not let in is no fault of the caller's
                raise Unavailable(
                    f"{self.address} does not know this process: {error.message}; see security.service_key"
                ) from None
            running.set_attribute("rpc.response.status_code", "OK")
            return answer
