"""`scenograph evaluate detector`: mean average precision of the pack's detector."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenograph.cli.evaluate_output import ReportFolder, put_out
from scenograph.cli.options import Json
from scenograph.cli.output import progress


def detector(
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", help="images/**/*.jpg and labels/**/*.txt in YOLO's layout."),
    ],
    pack: Annotated[str, typer.Option(help="The pack whose detector is measured.")] = "default",
    limit: Annotated[int, typer.Option(help="Only the first N photos; 0 for all.")] = 0,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Mean average precision at IoU 0.5 and over IoU 0.5 to 0.95, with the pack's own preprocessing."""
    from scenograph.cli import detection
    from scenograph.cli.reports.detection import detector_report

    with progress() as bar:
        result = detection.measure(pack, data, limit, bar)
    put_out(detector_report(result), report, as_json)
