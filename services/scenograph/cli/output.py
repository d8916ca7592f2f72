"""What commands print: results on standard output, progress and errors on standard error."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scenograph.cli.progress_lines import ProgressLines

PIPED_WIDTH = 120  # where standard output is no terminal

out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON document; results become objects of their fields."""
    out.print(json.dumps(plain(value), indent=2, ensure_ascii=False), markup=False, highlight=False)


def plain(value: Any) -> Any:
    """Lists, dicts, strings and numbers for results of any kind."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Exception):
        return {"reason": getattr(value, "reason", type(value).__name__), "message": str(value)}
    return value


def progress() -> Progress:
    """A progress bar on standard error; where that is no terminal, a plain line now and then."""
    if not err.is_terminal:
        return ProgressLines(err)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err)


def print_error(message: str) -> None:
    err.print(f"[bold red]error:[/] {escape(message)}", highlight=False)


def print_position(text: str, position: int) -> None:
    """Show where in a query an error is."""
    line_start = text.rfind("\n", 0, position) + 1
    line = text[line_start:].partition("\n")[0]
    err.print(f"  {line}\n  {' ' * (position - line_start)}^", markup=False, highlight=False)
