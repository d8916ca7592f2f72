"""Where spans go: to a collector by OTLP, to a file as lines of JSON, or nowhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry.trace import Tracer, format_span_id, format_trace_id

from scenograph.runtime.settings import TracingSettings
from scenograph.scene.errors import FailedPrecondition

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

SEND_EVERY_MS = 1000.0
END_S = 1.0
"""How long the last spans may take at the end of a server."""
Close = Callable[[], None]


def open_tracer(settings: TracingSettings, service: str) -> tuple[Tracer | None, Close]:
    """The tracer of a server that is called `service`, and how to send what is left and end it (blocking).

    Errors: FailedPrecondition where the file cannot be written.
    """
    if settings.exporter == "off":
        return None, lambda: None
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    exporter, close = _exporter(settings)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.sample)),
        resource=Resource.create({"service.name": service, "service.version": version("scenograph")}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=SEND_EVERY_MS))

    def end() -> None:
        late = threading.Timer(END_S, exporter.shutdown)  # a collector that is away is not waited for
        late.start()
        provider.shutdown()
        late.cancel()
        late.join()
        close()

    return provider.get_tracer("scenograph", version("scenograph")), end


def _exporter(settings: TracingSettings) -> tuple[SpanExporter, Close]:
    if settings.exporter == "otlp":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=settings.endpoint), lambda: None
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    path = Path(settings.file)
    try:
        # A line is one write at the file's end, so that several servers may share a file.
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise FailedPrecondition(f"cannot write traces to {path}: {error.strerror}") from error
    return ConsoleSpanExporter(out=file, formatter=span_line), file.close


def span_line(span: ReadableSpan) -> str:
    """A span as one line of JSON: ids, name, kind, service, when, how long, attributes, error."""
    assert span.context is not None and span.start_time is not None and span.end_time is not None
    line = {
        "trace_id": format_trace_id(span.context.trace_id),
        "span_id": format_span_id(span.context.span_id),
        "parent_id": format_span_id(span.parent.span_id) if span.parent is not None else None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "service": span.resource.attributes["service.name"],
        "start": datetime.fromtimestamp(span.start_time / 1e9, UTC).isoformat(timespec="microseconds"),
        "milliseconds": (span.end_time - span.start_time) / 1e6,
        "error": not span.status.is_ok,
        "attributes": dict(span.attributes or {}),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"
