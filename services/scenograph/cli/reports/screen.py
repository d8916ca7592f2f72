"""A report on the terminal: its tables, and the line of what was measured."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from scenograph.cli.reports.report import Report, Table, best_rows, shown


def show_report(report: Report, console: Console) -> None:
    """Print every table of the report."""
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                console.print(_grid(block, section.title))
                if block.note:
                    console.print(escape(block.note), style="dim", highlight=False)
    if report.summary:
        console.print(escape(report.summary), highlight=False)


def _grid(table: Table, heading: str) -> Grid:
    grid = Grid(title=escape(table.title or heading), title_justify="left")
    for place, name in enumerate(table.columns):
        words = any(isinstance(row[place], str) for row in table.rows)
        grid.add_column(escape(name), justify="left" if words else "right")
    best = {table.columns.index(name): best_rows(table, name) for name in table.best}
    for number, row in enumerate(table.rows):
        cells = [escape(shown(cell, table.digits)) for cell in row]
        for place, rows in best.items():
            if number in rows:
                cells[place] = f"[bold]{cells[place]}[/]"
        grid.add_row(*cells)
    return grid
