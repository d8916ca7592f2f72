"""The page of a report: one HTML file with its styles, plots and thumbnails inside."""

from __future__ import annotations

import base64
import io
from itertools import count

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image, ImageOps

from scenograph.cli.reports.plots import bars_svg, curves_svg
from scenograph.cli.reports.report import Bars, Curves, Examples, Report, Table, best_rows, shown

THUMBNAIL = 132
"""Pixels of a thumbnail's longer side."""


def page(report: Report) -> str:
    """The report as HTML that needs nothing but itself."""
    names = (f"plot{number}" for number in count(1))
    environment = Environment(
        loader=PackageLoader("scenograph.cli.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thumbnail"] = thumbnail
    environment.filters["shown"] = shown
    environment.globals["best"] = _best
    environment.globals["is_number"] = lambda cell: isinstance(cell, int | float)
    environment.tests["table"] = lambda block: isinstance(block, Table)
    environment.tests["examples"] = lambda block: isinstance(block, Examples)
    environment.globals["plot"] = lambda block: plot(block, next(names))
    return environment.get_template("page.html.j2").render(report=report)


def plot(block: Curves | Bars, name: str) -> Markup:
    """The plot as an SVG element."""
    draw = curves_svg(block, name) if isinstance(block, Curves) else bars_svg(block, name)
    return Markup(draw)


def thumbnail(photo: bytes) -> str:
    """A small JPEG of a picture, as a data URI."""
    with Image.open(io.BytesIO(photo)) as opened:
        small = ImageOps.exif_transpose(opened).convert("RGB")
        small.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=78)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _best(table: Table) -> list[set[int]]:
    """For each column, the rows that stand out."""
    return [best_rows(table, name) if name in table.best else set() for name in table.columns]
