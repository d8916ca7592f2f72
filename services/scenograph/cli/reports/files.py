"""A report on disk: `report.json` for programs, `report.html` for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scenograph.cli.output import plain
from scenograph.cli.reports.report import Report


def write_report(report: Report, folder: Path, value: object = None) -> Path:
    """Write both files; the page's path. The JSON is of `value` where one is given. Errors: OSError."""
    from scenograph.cli.reports.page import page

    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report_json(report) if value is None else value, indent=2, ensure_ascii=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    target = folder / "report.html"
    target.write_text(page(report), encoding="utf-8")
    return target


def report_json(report: Report) -> dict[str, Any]:
    """The report as JSON takes it: all but the pictures."""
    value: dict[str, Any] = _without_photos(plain(report))
    return value


def _without_photos(value: Any) -> Any:
    """Pictures are for the page: bytes have no place in JSON."""
    if isinstance(value, dict):
        return {key: _without_photos(part) for key, part in value.items() if not isinstance(part, bytes)}
    if isinstance(value, list):
        return [_without_photos(part) for part in value]
    return value
