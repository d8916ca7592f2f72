"""The sections of reports on benchmarks of parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scenograph.cli.reports.report import Bars, Block, Cell, Section, Series, Table

if TYPE_CHECKING:
    from scenograph.bench.encode import Encoding, Layout, Served
    from scenograph.bench.index import Searching
    from scenograph.bench.ingest import Ingesting
    from scenograph.bench.match import Matching

_ENCODE = (
    "Calls with so many texts or images each, by so many callers at a time, then the same models in a bare "
    "ONNX Runtime loop with {threads} threads, batch by batch. Share: of the bare loop's best."
)


def encode_section(results: Sequence[Encoding], threads: int) -> Section:
    """Parts a second, by callers and by batches."""
    blocks: list[Block] = []
    for each in results:
        rows: list[tuple[Cell, ...]] = [
            (_load(one), one.rate, one.p50_ms, one.p99_ms, one.rate / each.best, one.failed)
            for one in each.served
        ]
        rows += [
            (_bare(layout), rate, None, None, rate / each.best, None) for layout, rate in each.bare.items()
        ]
        columns = (each.kind, "a second", "p50 ms", "p99 ms", "share", "failed")
        blocks.append(Table(columns, tuple(rows), each.kind.capitalize(), digits=2))
        names = tuple(str(row[0]) for row in rows)
        rates = tuple(float(row[1] or 0) for row in rows)
        blocks.append(Bars(each.kind.capitalize(), "a second", (Series(each.kind, names, rates),)))
    return Section("Encoding", tuple(blocks), _ENCODE.format(threads=threads))


def _load(served: Served) -> str:
    return f"{served.concurrency} caller{'s' if served.concurrency > 1 else ''}, {served.parts} a call"


def _bare(layout: Layout) -> str:
    return f"bare, {layout.loops} x {layout.threads} threads, batches of {layout.batch}"


def index_section(found: Searching) -> Section:
    """Milliseconds of a search."""
    rows: tuple[tuple[Cell, ...], ...] = (
        ("index", found.index_ms, found.ratio),
        ("index, every second item passes a filter", found.filtered_ms, found.filtered_ms / found.faiss_ms),
        ("FAISS, IndexBinaryFlat", found.faiss_ms, 1.0),
    )
    text = (
        f"{found.entries} random codes of {found.bits} bits, the {found.keep} nearest, one thread; medians "
        "of searches that took turns. The index also settles ties by item id."
    )
    return Section("Hamming search", (Table(("search", "ms", "times FAISS"), rows, digits=2),), text)


def match_section(results: Sequence[Matching]) -> Section:
    """Milliseconds of a call."""
    rows = tuple(
        (
            f"{each.candidates} candidates{', explained' if each.explain else ''}",
            each.service_ms,
            each.call_p50_ms,
            each.call_p99_ms,
        )
        for each in results
    )
    columns = ("match", "in the service, ms", "call p50, ms", "call p99, ms")
    text = "Graphs of sentences on graphs of pictures, all with their units; one caller."
    return Section("Graph matching", (Table(columns, rows, digits=2),), text)


def ingest_section(results: Sequence[Ingesting]) -> Section:
    """Items a second."""
    rows = tuple((each.kind, each.items, each.rate) for each in results)
    text = "One stream of items, from the first sent to the last one durably stored."
    return Section("Ingest", (Table(("items", "number", "a second"), rows, digits=1),), text)
