"""The trace that a call belongs to, in its metadata: `traceparent` and `tracestate` of W3C Trace Context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import context as otel
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
KEY = "traceparent"


def received(metadata: Mapping[str, Any]) -> otel.Context | None:
    """The caller's trace; None where the metadata name none."""
    return _PROPAGATOR.extract(dict(metadata)) if KEY in metadata else None


def sent() -> tuple[tuple[str, str], ...]:
    """The metadata that make a call to another service a part of the current trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return tuple(carrier.items())
