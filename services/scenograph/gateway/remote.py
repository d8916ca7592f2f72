"""Calls to services in other processes: channel, deadline, request id, errors. Adapters are in `remote_*.py`.

An adapter meets the same Protocol as the service's app in this process; callers cannot tell which they hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeVar

import grpc

from scenograph.runtime import deadline
from scenograph.runtime.interceptors.access import REQUEST_ID_KEY
from scenograph.runtime.logs import request_id
from scenograph.runtime.status import from_rpc_error
from scenograph.scene.errors import DeadlineExceeded
from scenograph.v1.limits import SERVICE_MESSAGE_BYTES

RequestT = TypeVar("RequestT")
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

    `repeatable` methods are tried again where the service could not be reached.
    """
    names = [{"service": service, "method": method} for method in repeatable]
    config = {
        "loadBalancingConfig": [{"round_robin": {}}],
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


async def call(method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT) -> ResponseT:
    """One call, with the time that is left and the id of the request being served.

    Errors: the service's own, in domain words; Unavailable where it cannot be reached; DeadlineExceeded.
    """
    left = deadline.remaining()
    if left == 0.0:
        raise DeadlineExceeded("the request's time ran out")
    identity = request_id.get()
    metadata = ((REQUEST_ID_KEY, identity),) if identity else ()
    try:
        return await method(request, timeout=left, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from None


class Remote:
    """A service behind a channel. `repeatable`: the methods that may be tried again."""

    service = ""
    repeatable: tuple[str, ...] = ()

    def __init__(self, address: str) -> None:
        self.address = address
        self._channel = connect(address, self.service, self.repeatable)

    async def close(self) -> None:
        """Closes the channel; calls under way end as Unavailable."""
        await self._channel.close()
