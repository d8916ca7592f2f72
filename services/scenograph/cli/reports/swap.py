"""The section of a report on a swap of packs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenograph.cli.reports.report import Block, Cell, Section, Table

if TYPE_CHECKING:
    from scenograph.bench.swap import Swap

_TEXT = (
    "Latencies in milliseconds from when a call was due. Search asks a collection of the old pack, which "
    "goes on serving it; Rank is served by the default pack. Ratio: of the 99th percentile to that before."
)


def swap_section(found: Swap) -> Section:
    """A row for each method and phase, and how long loading took."""
    rows: list[tuple[Cell, ...]] = [
        (
            each.method,
            each.name,
            each.calls,
            each.failed,
            each.p50_ms,
            each.p99_ms,
            found.ratio(each.method, each.name),
        )
        for each in found.phases
    ]
    columns = ("method", "phase", "calls", "failed", "p50 ms", "p99 ms", "ratio")
    blocks: list[Block] = [Table(columns, tuple(rows), "Phases", digits=2)]
    loads: list[tuple[Cell, ...]] = [(place, took) for place, took in enumerate(found.load_s, 1)]
    blocks.append(Table(("round", "seconds"), tuple(loads), "Loading", digits=2))
    if found.error:
        blocks.append(Table(("first error",), ((found.error,),)))
    return Section("Swap", tuple(blocks), _TEXT)
