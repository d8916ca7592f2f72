"""Spans that servers write to files, once they are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.trace import Tracer

from scenograph.cli.trace import Span, read
from scenograph.runtime.settings import TracingSettings
from scenograph.runtime.telemetry.tracing import open_tracer

PATIENCE_S = 60.0


@contextmanager
def tracing(folder: Path, sample: float = 1.0) -> Iterator[tuple[Tracer, Path]]:
    """A tracer for a server in this process; its file is complete when the block is left."""
    file = folder / "spans.jsonl"
    tracer, close = open_tracer(TracingSettings(exporter="file", file=str(file), sample=sample), "probe")
    assert tracer is not None
    try:
        yield tracer, file
    finally:
        close()


def wait_for(files: Iterable[Path], there: Callable[[list[Span]], bool]) -> list[Span]:
    """The spans of files that servers add to, once they are as wanted."""
    until = time.monotonic() + PATIENCE_S
    while True:
        spans = read([file for file in files if file.exists()])
        if there(spans):
            return spans
        assert time.monotonic() < until, [span["name"] for span in spans]
        time.sleep(0.1)
