"""Spans of the call being served: what a stage, a model run or a call to another service took.

Wherever one stands in the code of a call, `span` adds to that call's trace. Where nothing is traced it does
nothing. Errors are told by their names; no span holds what was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias

from opentelemetry import context as otel
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from scenograph.scene.errors import ScenographError

Value: TypeAlias = str | int | float | bool
Attributes: TypeAlias = Mapping[str, Value]

_tracer: ContextVar[Tracer | None] = ContextVar("scenograph_tracer", default=None)
_NOTHING: AbstractContextManager[Span] = nullcontext(INVALID_SPAN)


def span(
    name: str, attributes: Attributes | None = None, kind: SpanKind = SpanKind.INTERNAL
) -> AbstractContextManager[Span]:
    """A part of the call being served, from entering the block to leaving it."""
    tracer = _tracer.get()
    return _NOTHING if tracer is None else _part(tracer, name, attributes, kind)


@contextmanager
def served(
    tracer: Tracer | None, name: str, attributes: Attributes, parent: otel.Context | None
) -> Iterator[Span]:
    """A call that is served, part of the caller's trace where `parent` names one.

    Without a tracer, or where the trace is not sampled, nothing in the block adds spans; the caller's trace
    still goes along with calls to other services.
    """
    if tracer is None:
        if parent is None:
            yield INVALID_SPAN
            return
        token = otel.attach(parent)
        try:
            yield INVALID_SPAN
        finally:
            otel.detach(token)
        return
    with _running(tracer, name, attributes, SpanKind.SERVER, parent) as running:
        chosen = _tracer.set(tracer if running.is_recording() else None)
        try:
            yield running
        finally:
            _tracer.reset(chosen)


@contextmanager
def _part(tracer: Tracer, name: str, attributes: Attributes | None, kind: SpanKind) -> Iterator[Span]:
    with _running(tracer, name, attributes, kind) as running:
        try:
            yield running
        except BaseException as error:
            failed(running, error_name(error))
            raise


@contextmanager
def _running(
    tracer: Tracer,
    name: str,
    attributes: Attributes | None,
    kind: SpanKind,
    parent: otel.Context | None = None,
) -> Iterator[Span]:
    running = tracer.start_span(name, parent, kind, attributes)
    token = otel.attach(set_span_in_context(running, parent))
    try:
        yield running
    finally:
        otel.detach(token)
        running.end()


def failed(span: Span, name: str) -> None:
    """Marks a span as failed."""
    span.set_attribute("error.type", name)
    span.set_status(Status(StatusCode.ERROR))


def error_name(error: BaseException) -> str:
    """What an error is called in traces: a domain error's reason, else its class."""
    return error.reason if isinstance(error, ScenographError) else type(error).__name__


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a trace, for spans that are added to it from elsewhere."""

    tracer: Tracer
    context: otel.Context

    def add(
        self, name: str, seconds: float, attributes: Attributes, error: BaseException | None = None
    ) -> None:
        """A span that ends now and began `seconds` ago."""
        end = time.time_ns()
        done = self.tracer.start_span(
            name, self.context, attributes=attributes, start_time=end - round(seconds * 1e9)
        )
        if error is not None:
            failed(done, error_name(error))
        done.end(end)


def here() -> Place | None:
    """Where one stands; None where nothing is traced."""
    tracer = _tracer.get()
    return None if tracer is None else Place(tracer, otel.get_current())


def ids() -> tuple[str, str]:
    """The ids of the current trace (32 hexadecimal digits) and span (16); empty outside traces."""
    current = get_current_span().get_span_context()
    if not current.is_valid:
        return "", ""
    return f"{current.trace_id:032x}", f"{current.span_id:016x}"
