"""The sections of reports on what a server can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenograph.cli.reports.report import Cell, Section, Table

if TYPE_CHECKING:
    from scenograph.bench.cached import Cached
    from scenograph.bench.overhead import Overhead
    from scenograph.bench.overload import Overload


def cached_section(found: Cached) -> Section:
    """Cached searches beside the echo."""
    rows = tuple(
        (
            name,
            one.rate,
            one.rate / found.echo.rate,
            one.p50_ms,
            one.p99_ms,
            one.server_ms,
            found.echo.server_ms / one.server_ms,
        )
        for name, one in (("cached search", found.search), ("empty echo", found.echo))
    )
    columns = ("call", "a second", "share", "p50 ms", "p99 ms", "server ms", "share of server ms")
    text = (
        f"{found.callers} callers that call again as soon as they are answered; medians over {found.rounds} "
        "rounds, in which both servers took turns on the same cores. Server ms: processor time of the server "
        "for a call; the last column is the echo's over it, which holds where the callers limit the rate."
    )
    return Section("Cached searches beside an empty echo", (Table(columns, rows, digits=2),), text)


def overhead_section(found: Overhead) -> Section:
    """A cold search, its parts, and what is over."""
    rows: list[tuple[Cell, ...]] = [(f"bare: {name}", took, None) for name, took in found.parts_ms.items()]
    rows += [
        ("bare: all of them", found.models_ms, None),
        ("the gateway's answer, as it says itself", found.server_ms, found.of_server),
        ("the whole call, at its caller", found.call_ms, found.of_call),
    ]
    text = (
        f"Medians over {found.searches} searches for sentences never seen before, by one caller, in turns "
        "with the bare parts. Overhead: what is over the sum of the parts, as a share of it; below 0 where "
        "parts that the gateway runs side by side save more than it costs."
    )
    return Section(
        "Gateway overhead", (Table(("cold search", "ms", "overhead"), tuple(rows), digits=2),), text
    )


def overload_section(found: Overload, deadline_s: float) -> Section:
    """Goodput, and refusals."""
    rows: tuple[tuple[Cell, ...], ...] = (
        ("peak, answers a second", found.peak),
        ("offered, searches a second", found.offered),
        ("goodput, answers a second", found.goodput),
        ("goodput as a share of the peak", found.share),
        ("answers that lack a stage, share", found.degraded),
        ("the same at the peak", found.peak_degraded),
        ("answered, p50 ms", found.answered_p50_ms),
        ("answered, p99 ms", found.answered_p99_ms),
        ("refused", found.refused),
        ("refused with RetryInfo, share", found.advised),
        ("refused, p50 ms", found.refused_p50_ms),
        ("refused, p99 ms", found.refused_p99_ms),
        *((f"ended otherwise: {name}", count) for name, count in found.other.items()),
    )
    text = f"Searches for sentences never seen before; only answers within {deadline_s:g} s count."
    return Section("Overload", (Table(("cold searches", ""), rows, digits=2),), text)
