"""The report of a load on a server: its figures, and how it went over time."""

from __future__ import annotations

import numpy as np

from scenograph.bench.load.driver import Load
from scenograph.bench.load.summary import (
    Latencies,
    counted,
    histogram,
    latencies,
    lateness,
    measured,
    over_time,
    statuses,
)
from scenograph.cli.reports.facts import run_facts
from scenograph.cli.reports.report import Bars, Block, Cell, Curves, Report, Section, Series, Table

_FROM_DUE = (
    "Latencies are counted from when a request was due, so that the wait which a stalled server causes is in "
    "them (no coordinated omission); from sent, the time on the wire and in the server alone.\n"
    "Sent late: how long after it was due a request was sent, for want of a free caller or of the driver."
)
_FROM_SENT = (
    "No rate was given: each caller calls again when it was answered, and latencies are from sent to end."
)


def load_report(load: Load) -> Report:
    """Figures in milliseconds; latencies of the calls that went well, or of all with count-errors."""
    config, paced = load.config, load.config.rates() is not None
    text = _FROM_DUE if paced else _FROM_SENT
    sections = [
        Section("Load", (_summary(load), *_outcomes(load))),
        Section("Latency", tuple(_latency_blocks(load)), text),
        Section("Over time", tuple(_time_plots(load))),
    ]
    facts = run_facts(call=config.call, server=config.host, load=_offered(load))
    title = f"Load: {config.name or config.call}"
    return Report(title, facts, tuple(section for section in sections if section.blocks))


def _offered(load: Load) -> str:
    config = load.config
    if config.rates() is None:
        how = f"{config.concurrency} callers"
    elif config.load_schedule == "const":
        how = f"{config.rps} requests a second"
    else:
        how = f"{config.load_start} requests a second and {config.load_step:+d} a {config.load_schedule}"
    if config.rates() is not None:
        how += ", open" if config.is_async else f", {config.concurrency} callers"
    return f"{how}; {load.workers} processes, {load.connections} connections"


def _summary(load: Load) -> Table:
    count = len(load.samples.done)
    rows: list[tuple[Cell, ...]] = [
        ("calls ended", count),
        ("seconds", round(load.seconds, 2)),
        ("calls a second", round(count / load.seconds, 1) if load.seconds else None),
        ("due and never sent", load.samples.unsent),
        ("ended by", {"normal": "all calls made", "timeout": "time", "cancel": "hand"}[load.end_reason]),
    ]
    return Table(("", "value"), tuple(rows), digits=2)


def _outcomes(load: Load) -> list[Block]:
    count = max(1, len(load.samples.done))
    shares = {name: 100 * number / count for name, number in statuses(load.samples).items()}
    rows = tuple((name, number, shares[name]) for name, number in statuses(load.samples).items())
    blocks: list[Block] = [Table(("status", "calls", "per cent"), rows, title="Statuses", digits=2)]
    if load.samples.errors:
        errors = tuple(load.samples.errors.most_common())
        blocks.append(Table(("error", "calls"), errors, title="Errors"))
    if shares:
        series = Series("calls", tuple(shares), tuple(shares.values()))
        blocks.append(Bars("Statuses", "per cent of calls", (series,)))
    return blocks


def _latency_blocks(load: Load) -> list[Block]:
    which = counted(load)
    kinds = {"from sent": load.samples.from_sent[which]}
    if load.config.rates() is not None:
        kinds = {"from due": load.samples.from_due[which], **kinds, "sent late": lateness(load)}
    figures = {name: found for name, values in kinds.items() if (found := latencies(values))}
    if not figures:
        return []
    shown = {name: _rows(found) for name, found in figures.items()}
    labels = next(iter(shown.values())).keys()
    rows: list[tuple[Cell, ...]] = [(label, *(shown[name][label] for name in shown)) for label in labels]
    table = Table(("latency, ms", *shown), tuple(rows), digits=2)
    ranks = np.concatenate([np.arange(0, 99, 1.0), np.arange(99, 100, 0.1)])
    curves = tuple(
        Series(name, tuple(ranks.tolist()), tuple((np.percentile(kinds[name], ranks) / 1e6).tolist()))
        for name in figures
        if name != "sent late"
    )
    buckets = histogram(measured(load))
    marks = tuple(f"{1e3 * bucket['mark']:.1f}" for bucket in buckets)
    shares = tuple(100 * bucket["frequency"] for bucket in buckets)
    return [
        table,
        Curves("Latency by percentile", "percentile", "milliseconds", curves),
        Bars(
            "Histogram",
            "per cent of calls",
            (Series("calls", marks, shares),),
            "Milliseconds, each up to its mark.",
        ),
    ]


def _rows(figures: Latencies) -> dict[str, float]:
    percentiles = {f"p{percent:g}": value / 1e6 for percent, value in figures.percentiles.items()}
    return {
        "average": figures.average / 1e6,
        "fastest": figures.fastest / 1e6,
        **percentiles,
        "slowest": figures.slowest / 1e6,
    }


def _time_plots(load: Load) -> list[Block]:
    slots = over_time(load)
    if len(slots) < 2:
        return []
    at_s = tuple(slot.at_s for slot in slots)
    rates = [
        Series("due", at_s, tuple(slot.due for slot in slots)),
        Series("ended", at_s, tuple(slot.ended for slot in slots)),
    ]
    if any(slot.failed for slot in slots):
        rates.append(Series("failed", at_s, tuple(slot.failed for slot in slots)))
    spread = (
        Series("p50", at_s, tuple(slot.p50_ms for slot in slots)),
        Series("p99", at_s, tuple(slot.p99_ms for slot in slots)),
    )
    return [
        Curves(
            "Latency over time", "seconds", "milliseconds", spread, "By the time at which calls were due."
        ),
        Curves("Rate over time", "seconds", "calls a second", tuple(rates)),
    ]
