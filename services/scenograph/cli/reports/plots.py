"""Plots as SVG that take the page's text colour, so that they read in light and dark."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenograph.cli.reports.report import Bars, Curves

_TEXT = "#0a0b0c"
"""Stands for the page's text colour until the SVG is written."""
COLOURS = ("#3b82c4", "#d9730d", "#2f9e6e", "#b5497c", "#8a6fd1", "#a08a1f", "#4aa3b5", "#c65447")
"""Told apart on white and on near-black, also by most colour-blind readers in this order."""
DASHES = ("-", "--", ":", "-.")
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "scenograph",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _TEXT,
    "axes.labelcolor": _TEXT,
    "axes.edgecolor": _TEXT,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def curves_svg(curves: Curves, name: str) -> str:
    """The lines as an SVG element; `name` is unique on the page. After eight colours the dashes change."""
    with mpl.rc_context(rc=_STYLE):
        figure, axes = _axes(curves.title, (5.2, 3.5))
        for number, series in enumerate(curves.series):
            dash = DASHES[number // len(COLOURS) % len(DASHES)]
            colour = COLOURS[number % len(COLOURS)]
            axes.plot(series.x, series.y, dash, color=colour, linewidth=1.8, label=series.name)
        axes.set_xlabel(curves.x_label)
        axes.set_ylabel(curves.y_label)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.2, color=_TEXT)
        _legend(axes, len(curves.series))
        return _svg(figure, name)


def bars_svg(bars: Bars, name: str) -> str:
    """The groups of bars as an SVG element, each bar with its value; `name` is unique on the page."""
    groups = [str(group) for group in bars.series[0].x]
    count = len(bars.series)
    width = 0.82 / count
    with mpl.rc_context(rc=_STYLE):
        figure, axes = _axes(bars.title, (max(5.2, 0.34 * len(groups) * count + 1.6), 3.5))
        for number, series in enumerate(bars.series):
            at = [place + (number - (count - 1) / 2) * width for place in range(len(groups))]
            drawn = axes.bar(
                at, series.y, width * 0.92, color=COLOURS[number % len(COLOURS)], label=series.name
            )
            axes.bar_label(drawn, fmt="%.1f", padding=2, fontsize=7.5, color=_TEXT)
        axes.set_xticks(range(len(groups)), groups, rotation=0 if len(groups) < 7 else 25)
        axes.set_ylabel(bars.y_label)
        axes.grid(axis="y", alpha=0.2, color=_TEXT)
        axes.set_axisbelow(True)
        axes.margins(y=0.12)
        _legend(axes, count)
        return _svg(figure, name)


def _axes(title: str, size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11)
    return figure, axes


def _legend(axes: Axes, count: int) -> None:
    if count > 1:
        axes.figure.legend(
            loc="outside lower left", ncols=min(count, 3), frameon=False, fontsize=9, labelcolor=_TEXT
        )


def _svg(figure: Figure, name: str) -> str:
    """The figure's SVG alone: no prologue, no metadata, ids that no other plot on the page has."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", svg)
    return svg.replace(_TEXT, "currentColor")
