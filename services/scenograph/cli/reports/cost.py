"""What a collection costs, as tables and a plot for docs/scaling.md.

`python -m scenograph.cli.reports.cost docs/scaling.md` makes them anew from docs/scaling/cost.json.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scenograph.bench.cost import Size
from scenograph.bench.cost_sample import Sample
from scenograph.bench.sizing import Cost, own_memory, sized

START, END = "<!-- cost: made by scenograph.cli.reports.cost -->", "<!-- end of cost -->"
SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)
RATES = (10.0, 50.0, 200.0)
MEGA, GIGA = 1e6, 1e9


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: where and how, and what came out."""

    facts: dict[str, str]
    sizes: tuple[Size, ...]
    sample: Sample

    @property
    def cost(self) -> Cost:
        """What sizing takes."""
        return Cost(self.sizes, self.sample)


_ROWS: Mapping[str, Callable[[Size], str]] = {
    "embeddings, floats": lambda size: str(size.dimension or "none"),
    "disk, records": lambda size: _giga(size.records_bytes),
    "disk, columns": lambda size: _giga(size.columns_bytes),
    "disk for a million": lambda size: _giga(_million(size, size.records_bytes + size.columns_bytes)),
    "memory of the process, after the start": lambda size: _giga(size.opened.started.own),
    "after searches of both kinds": lambda size: _giga(size.opened.filtered.own),
    "of it for the collection, a million": lambda size: _giga(_million(size, own_memory(size))),
    "pages of its files in memory, after the searches": lambda size: _giga(_pages(size)),
    "writing, a second": lambda size: f"{size.items / size.write_s:,.0f}",
    "writing, processor time of a million": lambda size: f"{_million(size, size.write_cpu_s):,.0f} s",
    "lists": lambda size: str(size.opened.lists or "none"),
    "start": lambda size: f"{size.opened.start_s:.2f} s",
    "search, p50": lambda size: _ms(size.opened.plain_searches.p50_ms),
    "search, p99": lambda size: _ms(size.opened.plain_searches.p99_ms),
    "search, processor time": lambda size: _ms(size.opened.plain_searches.cpu_ms),
    "search with a filter, p50": lambda size: _ms(size.opened.filtered_searches.p50_ms),
    "search with a filter, p99": lambda size: _ms(size.opened.filtered_searches.p99_ms),
    "search with a filter, processor time": lambda size: _ms(size.opened.filtered_searches.cpu_ms),
    "the first with a filter": lambda size: _ms(size.opened.first_filtered_ms),
    "snapshot": lambda size: f"{size.opened.snapshot_s:.2f} s",
    "snapshot, disk": lambda size: _giga(size.opened.snapshot_bytes),
}


def read_measured(folder: Path) -> Measured:
    """A run as it was written. Errors: OSError, ValueError."""
    return msgspec.json.decode((folder / "cost.json").read_bytes(), type=Measured)


def write_measured(measured: Measured, folder: Path) -> None:
    """cost.json and cost.png. Errors: OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(measured), indent=1)
    (folder / "cost.json").write_bytes(content + b"\n")
    draw(measured, folder / "cost.png")


def with_cost(page: str, measured: Measured) -> str:
    """The page with what is between its marks made anew."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{cost_tables(measured)}\n{END}{after}"


def cost_tables(measured: Measured) -> str:
    """Markdown: the sizes, one item and one search, and which machine for what."""
    facts = measured.facts
    where = f"{facts['machine']}; scenograph {facts['scenograph']}; {facts['date']}; {facts['codes']}."
    parts = [where, _size_table(measured), _sample_table(measured.sample), _sizing_table(measured)]
    return "\n\n".join(parts)


def _size_table(measured: Measured) -> str:
    rows = [["codes", *(f"{size.items:,}" for size in measured.sizes)]]
    rows += [[name, *map(told, measured.sizes)] for name, told in _ROWS.items()]
    return _table(rows)


def _sample_table(sample: Sample) -> str:
    seconds = (sample.photo_cpu_s, sample.sentence_cpu_s, sample.search_cpu_s)
    graphs = (sample.photo_graph_bytes, sample.sentence_graph_bytes)
    rows = [
        [f"{sample.pack}, {sample.items} of each", "photo", "sentence", "search, new"],
        ["processor time", *(_ms(1e3 * each) for each in seconds)],
        ["core hours of a million", *(f"{MEGA * each / 3600:.1f}" for each in seconds)],
        ["its graph", *(f"{each:,.0f} bytes" for each in graphs), ""],
        ["its file", f"{sample.image_bytes:,.0f} bytes", "", ""],
        ["p50", "", "", _ms(sample.search_p50_ms)],
    ]
    return f"{_table(rows)}\n\nA server with all its models takes {_giga(sample.server.own)} of memory."


def _sizing_table(measured: Measured) -> str:
    rows = [
        ["photos", "searches a second", "cores", "memory, least", "with all embeddings", "disk", "to store"]
    ]
    for items in SIZES:
        for rate in RATES:
            each = sized(measured.cost, items, rate)
            mark = " *" if each.beyond else ""
            rows.append(
                [
                    f"{items:,}{mark}",
                    f"{rate:g}",
                    f"{each.cores}",
                    _giga(each.least_memory),
                    _giga(each.whole_memory),
                    _giga(each.disk),
                    f"{each.core_hours:,.0f} core hours",
                ]
            )
    largest = f"{measured.sizes[-1].items:,}"
    note = f"more than was measured: on the straight line through the last two sizes, up to {largest} codes."
    return f"{_table(rows)}\n\n\\* {note}"


def draw(measured: Measured, target: Path) -> None:
    """Disk, memory, start and searches by size, on logarithmic scales, as a PNG."""
    from matplotlib.figure import Figure

    from scenograph.cli.reports.plots import COLOURS

    sizes = measured.sizes
    panels: dict[str, dict[str, Callable[[Size], float]]] = {
        "disk, GB": {
            "records": lambda size: size.records_bytes / GIGA,
            "columns": lambda size: size.columns_bytes / GIGA,
            "snapshot": lambda size: size.opened.snapshot_bytes / GIGA,
        },
        "memory, GB": {
            "the process's own": lambda size: size.opened.filtered.own / GIGA,
            "pages of files": lambda size: _pages(size) / GIGA,
        },
        "search, p50 in ms": {
            "plain": lambda size: size.opened.plain_searches.p50_ms,
            "with a filter": lambda size: size.opened.filtered_searches.p50_ms,
        },
        "seconds": {
            "start": lambda size: size.opened.start_s,
            "snapshot": lambda size: size.opened.snapshot_s,
            "writing, processor time": lambda size: size.write_cpu_s,
        },
    }
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    for axes, (title, lines) in zip(figure.subplots(2, 2).flat, panels.items(), strict=True):
        for colour, (name, value) in zip(COLOURS, lines.items(), strict=False):
            x, y = [size.items for size in sizes], [value(size) for size in sizes]
            axes.loglog(x, y, "o-", color=colour, label=name)
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_xlabel("codes")
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(target, dpi=110, metadata={"Software": None})


def _table(rows: list[list[str]]) -> str:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])


def _pages(size: Size) -> float:
    """Bytes of the collection's files, without those of programs."""
    return max(0.0, size.opened.filtered.files - size.opened.empty.files)


def _million(size: Size, value: float) -> float:
    return value * MEGA / size.items


def _giga(value: float) -> str:
    return f"{value / MEGA:,.0f} MB" if value < GIGA else f"{value / GIGA:,.1f} GB"


def _ms(value: float) -> str:
    return f"{value:,.1f} ms" if value >= 1 else f"{value:,.2f} ms"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    measured = read_measured(target.with_suffix(""))
    target.write_text(with_cost(target.read_text(encoding="utf-8"), measured), encoding="utf-8")
    draw(measured, target.with_suffix("") / "cost.png")
