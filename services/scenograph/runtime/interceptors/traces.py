"""Makes each call a span of its caller's trace, or the first of a new one.

The attributes are those of OpenTelemetry's semantic conventions for RPC.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from opentelemetry.context import Context
from opentelemetry.trace import Span, Tracer

from scenograph.runtime.interceptors.around import Around, Call, NameOf
from scenograph.runtime.interceptors.outcome import Outcome
from scenograph.runtime.telemetry.propagation import received
from scenograph.runtime.telemetry.spans import Value, failed, served

_FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""Codes that are the server's fault; the others are its answers."""
_PEER = re.compile(r"ipv[46]:(.+):(\d+)")


class Traces(Around):
    """Without a tracer nothing is recorded, but the caller's trace goes along to other services."""

    def __init__(self, tracer: Tracer | None, name_of: NameOf) -> None:
        self._tracer = tracer
        self._name_of = name_of

    def around(self, call: Call) -> AbstractAsyncContextManager[None]:
        parent = received(call.metadata())
        return nullcontext() if self._tracer is None and parent is None else self._served(call, parent)

    @asynccontextmanager
    async def _served(self, call: Call, parent: Context | None) -> AsyncIterator[None]:
        name = self._name_of(call.method)
        attributes: dict[str, Value] = {"rpc.system.name": "grpc", "rpc.method": name}
        if peer := _PEER.fullmatch(call.context.peer()):
            attributes["network.peer.address"] = peer[1].strip("[]")
            attributes["network.peer.port"] = int(peer[2])
        with served(self._tracer, name, attributes, parent) as span:
            try:
                with Outcome(call) as outcome:
                    yield
            finally:
                _end(span, outcome.code)


def _end(span: Span, code: str) -> None:
    span.set_attribute("rpc.response.status_code", code)
    if code in _FAULTS:
        failed(span, code)
