"""The trace of the calling program, where OpenTelemetry keeps one, goes along with each call."""

from __future__ import annotations

import sys

Metadata = tuple[tuple[str, str], ...]


def with_trace(metadata: Metadata) -> Metadata:
    """The metadata with what the program's propagator adds: `traceparent`, if it set no other.

    A program that does not use OpenTelemetry need not have it installed.
    """
    if "opentelemetry.trace" not in sys.modules:
        return metadata
    from opentelemetry import propagate

    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return (*metadata, *((key.lower(), value) for key, value in carrier.items()))
