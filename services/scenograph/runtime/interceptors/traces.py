"""Makes each call a span of its caller's trace, or the first of a new one.

The attributes are those of OpenTelemetry's semantic conventions for RPC.
"""

from __future__ import annotations

import re
from typing import Any

from opentelemetry.trace import Span, Tracer

from scenograph.runtime.interceptors.around import Around, Call, GoOn, NameOf
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

    async def around(self, call: Call, request: Any, go_on: GoOn) -> Any:
        parent = received(call.metadata)
        if self._tracer is None and parent is None:
            return await go_on(call, request)
        name = self._name_of(call.method)
        attributes: dict[str, Value] = {"rpc.system.name": "grpc", "rpc.method": name}
        if peer := _PEER.fullmatch(call.context.peer()):
            attributes["network.peer.address"] = peer[1].strip("[]")
            attributes["network.peer.port"] = int(peer[2])
        with served(self._tracer, name, attributes, parent) as span:
            try:
                with Outcome(call) as outcome:
                    return await go_on(call, request)
            finally:
                _end(span, outcome.code)


def _end(span: Span, code: str) -> None:
    span.set_attribute("rpc.response.status_code", code)
    if code in _FAULTS:
        failed(span, code)
