"""How every `scenograph evaluate` command puts out its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenograph.cli.output import err, out, print_json

if TYPE_CHECKING:
    from scenograph.cli.reports.report import Report


ReportFolder = Annotated[
    Path | None, typer.Option("--report", metavar="DIR", help="Write report.html and report.json there.")
]


def put_out(report: Report, folder: Path | None, as_json: bool, value: object = None) -> None:
    """Tables on the screen, or JSON with `as_json` (of `value`, where the report has a shorter form).

    The page and the report's JSON go into `folder`, where one is given.
    """
    from scenograph.cli.reports.files import report_json
    from scenograph.cli.reports.screen import show_report

    if as_json:
        print_json(report_json(report) if value is None else value)
    else:
        show_report(report, out)
    if folder is not None:
        from scenograph.cli.reports.files import write_report

        err.print(f"report: {write_report(report, folder)}", highlight=False)
