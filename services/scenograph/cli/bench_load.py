"""`scenograph bench load`: calls as a ghz config says."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenograph.cli.connection import api_key, of_load
from scenograph.cli.evaluate_output import ReportFolder
from scenograph.cli.options import Json
from scenograph.cli.output import err, out, print_json, progress

if TYPE_CHECKING:
    from scenograph.bench.load.config import LoadConfig
    from scenograph.bench.load.driver import Load


def load(
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="A config of ghz, JSON or TOML: docs/guides/load-testing.md.")
    ],
    host: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="The server, in place of the config's.")
    ] = None,
    rps: Annotated[
        int | None, typer.Option(min=0, help="Requests a second, in place of the config's; 0 for no rate.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Callers, in place of the config's.")] = None,
    total: Annotated[int | None, typer.Option(min=1, help="Calls, in place of the config's.")] = None,
    duration: Annotated[
        str | None, typer.Option(metavar="10s", help="How long, in place of the config's.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that make the calls.")] = 1,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="The server may be another machine than this one.")
    ] = False,
    details: Annotated[bool, typer.Option("--details", help="Each call in the JSON.")] = False,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Put a load on one method of a gRPC server, and tell latencies, rates and statuses.

    With a rate, calls are made when they are due and latencies are counted from then, so that a server that
    stalls cannot hide it. Without one, as many callers as the config says call again as soon as they are
    answered. Ctrl-C ends the load with what was measured so far. The JSON is that of ghz, with more under
    "scenograph".
    """
    from scenograph.bench.load.config import make_config, read_config
    from scenograph.bench.load.driver import run_load

    given: dict[str, Any] = {"host": host, "concurrency": concurrency, "duration": duration, "total": total}
    if total is not None and duration is None:
        given["duration"] = ""
    if rps is not None:
        given |= {"rps": rps, "load-schedule": "const"}
    changed = {key: value for key, value in given.items() if value is not None} | of_load()
    written = read_config(config)
    if (key := api_key()) is not None:
        changed["metadata"] = {**written.get("metadata", {}), "authorization": f"Bearer {key}"}
    chosen = make_config(written | changed)
    calls = None if chosen.seconds("duration") else chosen.total
    with progress() as bar, interrupts() as asked:
        task = bar.add_task(chosen.name or chosen.call, total=calls)
        ended = run_load(
            chosen,
            workers=workers,
            allow_remote=allow_remote,
            stop=asked,
            progress=lambda done: bar.update(task, completed=done),
        )
    _put_out(ended, chosen, report, as_json=as_json, details=details)
    if not len(ended.samples.done):
        raise typer.Exit(1)


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl-C only makes what this gives True; a second one has its usual way."""
    asked = threading.Event()
    usual = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, usual)


def _put_out(ended: Load, config: LoadConfig, folder: Path | None, *, as_json: bool, details: bool) -> None:
    """On the screen or as JSON, and into the files that the config or the command line names."""
    from scenograph.bench.load.summary import ghz_report
    from scenograph.cli.reports.load import load_report
    from scenograph.cli.reports.screen import show_report

    value = ghz_report(ended, details=details)
    if config.output and config.format != "html":
        indent = 2 if config.format == "pretty" else None
        Path(config.output).write_text(json.dumps(value, indent=indent) + "\n", encoding="utf-8")
    if as_json or (config.format in {"json", "pretty"} and not config.output):
        print_json(value)
    else:
        show_report(load_report(ended), out)
    if config.format == "html":
        from scenograph.cli.reports.page import page

        Path(config.output).write_text(page(load_report(ended)), encoding="utf-8")
    if folder is not None:
        from scenograph.cli.reports.files import write_report

        err.print(f"report: {write_report(load_report(ended), folder, value)}", highlight=False)
