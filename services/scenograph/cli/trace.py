"""`scenograph trace`: one call's spans as a tree, from the files that servers write them to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from scenograph.cli.options import Json
from scenograph.cli.output import out, print_json

Span = dict[str, Any]
_SHOWN = ("rpc.response.status_code", "error.type")


def trace(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files that `tracing.file` names.")],
    of: Annotated[
        str,
        typer.Option("--of", metavar="ID", help="A trace's id or a call's x-request-id; else the newest."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Show what each part of a call took."""
    spans = find(read(files), of)
    if as_json:
        print_json(spans)
        return
    out.print(f"trace {spans[0]['trace_id']}", markup=False, highlight=False)
    for line in tree(spans):
        out.print(line, markup=False, highlight=False)


def read(files: Sequence[Path]) -> list[Span]:
    """All spans of the files.  Errors: ValueError for a line that is no span."""
    spans: list[Span] = []
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            try:
                span = json.loads(line)
                span["trace_id"], span["attributes"]
            except (ValueError, TypeError, KeyError):
                raise ValueError(f"{file}, line {number}: this is no span") from None
            spans.append(span)
    return spans


def find(spans: Sequence[Span], of: str = "") -> list[Span]:
    """The spans of one trace in order of their starts.  Errors: ValueError where there is no such trace."""
    named = [
        span
        for span in spans
        if not of or of in (span["trace_id"], span["attributes"].get("scenograph.request_id"))
    ]
    if not named:
        raise ValueError(f"there is no trace of {of!r}" if of else "there are no spans")
    chosen = max(named, key=lambda span: str(span["start"]))["trace_id"]
    return sorted((span for span in spans if span["trace_id"] == chosen), key=lambda span: str(span["start"]))


def tree(spans: Sequence[Span]) -> Iterator[str]:
    """A line for each span under the one it is a part of: milliseconds, name, service, how it ended."""
    known = {span["span_id"] for span in spans}
    parts: dict[str | None, list[Span]] = {}
    for span in spans:
        parts.setdefault(span["parent_id"] if span["parent_id"] in known else None, []).append(span)

    def lines(parent: str | None, depth: int) -> Iterator[str]:
        for span in parts.get(parent, ()):
            told = [f"{key}={span['attributes'][key]}" for key in _SHOWN if key in span["attributes"]]
            told += [f"[{span['service']}]"] if span["kind"] == "server" else []
            yield f"{span['milliseconds']:10.2f}  {'  ' * depth}{' '.join([span['name'], *told])}"
            yield from lines(span["span_id"], depth + 1)

    return lines(None, 0)
