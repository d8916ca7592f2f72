"""How every `scenograph evaluate` command puts out its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenograph.cli.output import err, out, print_json

if TYPE_CHECKING:
    from scenograph.cli.reports.report import Report


def put_out(report: Report, folder: Path | None, as_json: bool) -> None:
    """Tables on the screen, or JSON with `as_json`; both files in `folder`, where one is given."""
    from scenograph.cli.reports.files import report_json
    from scenograph.cli.reports.screen import show_report

    if as_json:
        print_json(report_json(report))
    else:
        show_report(report, out)
    if folder is not None:
        from scenograph.cli.reports.files import write_report

        err.print(f"report: {write_report(report, folder)}", highlight=False)
