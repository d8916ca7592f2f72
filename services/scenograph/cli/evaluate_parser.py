"""`scenograph evaluate parser`: sentences to facts, against gold scene graphs."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from scenograph.cli.evaluate_output import ReportFolder, put_out
from scenograph.cli.options import Json
from scenograph.cli.output import progress
from scenograph.cli.server_process import ServerProcess


def parser(
    data: Annotated[
        Path,
        typer.Option("--data", metavar="FILE.csv", help="FACTUAL's layout: columns caption and scene_graph."),
    ],
    parsers: Annotated[
        list[str] | None,
        typer.Option("--parser", help="neural or rules; give both to compare; neural by default."),
    ] = None,
    limit: Annotated[int, typer.Option(help="Only the first N captions; 0 for all.")] = 0,
    server: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT", help="A running server; else one is started in a temporary folder."
        ),
    ] = "",
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Set Match and SPICE-style F1 of the served parsers, and milliseconds a sentence.

    Both follow FACTUAL's evaluator: every word is lemmatised as a noun before facts are compared. Its WordNet
    synonyms are left out, so the F1 is a little stricter than the published one.
    """
    from scenograph.cli import parsing
    from scenograph.cli.reports.parsing import parser_report
    from scenograph.data.factual import read_factual

    captions = read_factual(data)[: limit or None]
    chosen = parsing.check_parsers(parsers or ["neural"])
    with tempfile.TemporaryDirectory(prefix="scenograph-") as folder, progress() as bar:
        with nullcontext(server) if server else ServerProcess(Path(folder), "textual") as address:
            results = asyncio.run(parsing.measure(address, captions, chosen, bar))
    put_out(parser_report(str(data.name), captions, results), report, as_json)
