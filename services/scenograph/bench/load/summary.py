"""Figures of a load, and the JSON report of ghz made of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from scenograph.bench.load.config import LoadConfig
from scenograph.bench.load.driver import Load
from scenograph.bench.load.samples import Samples
from scenograph.bench.load.statuses import BY_NUMBER, OK

PERCENTILES = (10, 25, 50, 75, 90, 95, 99)
"""Those of ghz, whole numbers."""
MORE_PERCENTILES = (*PERCENTILES, 99.9)
BUCKETS = 10
SLOTS = 60
"""At most so many points of a plot over time ..."""
SHORTEST_SLOT_S = 0.1
"""... none of them shorter than this."""
_DURATIONS = (
    "duration",
    "max-duration",
    "timeout",
    "connect-timeout",
    "keepalive",
    "stream-interval",
    "load-step-duration",
    "load-max-duration",
    "concurrency-step-duration",
    "concurrency-max-duration",
)


@dataclass(frozen=True, slots=True)
class Latencies:
    """Figures of n >= 1 latencies in nanoseconds. A percentile is one of them: so many are not greater."""

    average: int
    fastest: int
    slowest: int
    percentiles: dict[float, int]


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of a load: when it begins; requests due, calls ended and failed a second; milliseconds from
    due to the end of the calls that were due in it (0 where there were none).
    """

    at_s: float
    due: float
    ended: float
    failed: float
    p50_ms: float
    p99_ms: float


def latencies(nanoseconds: NDArray[np.int64]) -> Latencies | None:
    """None where there are none."""
    if not len(nanoseconds):
        return None
    found = np.percentile(nanoseconds, MORE_PERCENTILES, method="inverted_cdf")
    return Latencies(
        average=round(float(nanoseconds.mean())),
        fastest=int(nanoseconds.min()),
        slowest=int(nanoseconds.max()),
        percentiles=dict(zip(MORE_PERCENTILES, map(int, found), strict=True)),
    )


def counted(load: Load) -> NDArray[np.bool_]:
    """Which calls latencies are told of, (n,): those that went well, or all with count-errors."""
    status = load.samples.status
    return np.ones(len(status), bool) if load.config.count_errors else status == OK.value[0]


def measured(load: Load) -> NDArray[np.int64]:
    """Nanoseconds of the calls that are counted: from due where there was a rate, else from sent."""
    samples = load.samples
    return (samples.from_due if load.config.rates() else samples.from_sent)[counted(load)]


def lateness(load: Load) -> NDArray[np.int64]:
    """Nanoseconds from when each call was due to when it was sent, (n,)."""
    return load.samples.sent - load.samples.due


def statuses(samples: Samples) -> dict[str, int]:
    """How many calls ended with each status, most first."""
    counts = Counter(samples.status.tolist())
    return {BY_NUMBER[number]: count for number, count in counts.most_common()}


def histogram(nanoseconds: NDArray[np.int64]) -> list[dict[str, float]]:
    """ghz's: marks in seconds from the fastest to the slowest, each with the calls up to it."""
    if not len(nanoseconds):
        return []
    fastest, slowest = int(nanoseconds.min()), int(nanoseconds.max())
    marks = [fastest + (slowest - fastest) * place / BUCKETS for place in range(BUCKETS)] + [slowest]
    up_to = np.searchsorted(np.sort(nanoseconds), marks, side="right")
    counts = np.diff(up_to, prepend=0).tolist()
    return [
        {"mark": mark / 1e9, "count": count, "frequency": count / len(nanoseconds)}
        for mark, count in zip(marks, counts, strict=True)
    ]


def over_time(load: Load) -> list[Slot]:
    """The load in up to SLOTS stretches."""
    samples = load.samples
    if not len(samples.done):
        return []
    slot_s = max(SHORTEST_SLOT_S, load.seconds / SLOTS)
    slots = max(1, round(load.seconds / slot_s))
    slot_s = load.seconds / slots
    due = np.clip(samples.due / 1e9 // slot_s, 0, slots - 1).astype(np.int64)
    ended = np.clip(samples.done / 1e9 // slot_s, 0, slots - 1).astype(np.int64)
    bad = samples.status != OK.value[0]
    found = []
    for slot in range(slots):
        mine = samples.from_due[due == slot]
        p50, p99 = np.percentile(mine, [50, 99]) / 1e6 if len(mine) else (0.0, 0.0)
        here = ended == slot
        found.append(
            Slot(
                at_s=slot * slot_s,
                due=len(mine) / slot_s,
                ended=int(here.sum()) / slot_s,
                failed=int((here & bad).sum()) / slot_s,
                p50_ms=float(p50),
                p99_ms=float(p99),
            )
        )
    return found


def ghz_report(load: Load, *, details: bool = False) -> dict[str, Any]:
    """The report as ghz writes it: times in nanoseconds, marks of the histogram in seconds.

    Under `scenograph` is what ghz has not: latencies from due and from sent with the 99.9th percentile.
    """
    config, samples = load.config, load.samples
    figures = latencies(measured(load))
    report: dict[str, Any] = {
        "name": config.name,
        "endReason": load.end_reason,
        "options": _options(load),
        "date": load.date.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "count": len(samples.done),
        "total": round(load.seconds * 1e9),
        "average": figures.average if figures else 0,
        "fastest": figures.fastest if figures else 0,
        "slowest": figures.slowest if figures else 0,
        "rps": len(samples.done) / load.seconds if load.seconds else 0.0,
        "errorDistribution": dict(samples.errors.most_common()),
        "statusCodeDistribution": statuses(samples),
        "latencyDistribution": [
            {"percentage": percent, "latency": figures.percentiles[percent]} for percent in PERCENTILES
        ]
        if figures
        else [],
        "histogram": histogram(measured(load)),
        "details": _details(load) if details else [],
        "tags": config.tags,
    }
    return report | {"scenograph": _extension(load)}


def _extension(load: Load) -> dict[str, Any]:
    samples, which = load.samples, counted(load)
    late = lateness(load)
    return {
        "measuredFrom": "due" if load.config.rates() else "sent",
        "workers": load.workers,
        "connections": load.connections,
        "unsent": samples.unsent,
        "advised": samples.advised,
        "fromDue": _written(latencies(samples.from_due[which])),
        "fromSent": _written(latencies(samples.from_sent[which])),
        "lateness": _written(latencies(late)),
        "latencyByStatus": {
            BY_NUMBER[number]: _written(latencies(samples.from_due[samples.status == number]))
            for number in np.unique(samples.status).tolist()
        },
    }


def _written(figures: Latencies | None) -> dict[str, Any] | None:
    if figures is None:
        return None
    percentiles = [
        {"percentage": percent, "latency": value} for percent, value in figures.percentiles.items()
    ]
    return {
        "average": figures.average,
        "fastest": figures.fastest,
        "slowest": figures.slowest,
        "percentiles": percentiles,
    }


def _options(load: Load) -> dict[str, Any]:
    """The config's keys that are not empty, named and in units as in ghz's report."""
    given: dict[str, Any] = msgspec.to_builtins(load.config)
    defaults: dict[str, Any] = msgspec.to_builtins(LoadConfig(call=""))
    kept = {key: value for key, value in given.items() if value or defaults.get(key)}
    for key in _DURATIONS:
        if key in kept:
            kept[key] = round(load.config.seconds(key) * 1e9)
    kept["dial-timeout"] = kept.pop("connect-timeout", 0)
    return kept | {"insecure": load.config.insecure, "binary": False, "CPUs": load.workers}


def _details(load: Load) -> list[dict[str, Any]]:
    """Each call in the order of their ends, its time that of its end."""
    samples = load.samples
    taken = samples.from_due if load.config.rates() else samples.from_sent
    began = load.date.timestamp()
    return [
        {
            "timestamp": np.datetime_as_string(np.datetime64(round((began * 1e9) + done), "ns")) + "Z",
            "latency": latency,
            "error": error,
            "status": BY_NUMBER[status],
        }
        for done, latency, status, error in zip(
            samples.done.tolist(),
            taken.tolist(),
            samples.status.tolist(),
            samples.error.tolist(),
            strict=True,
        )
    ]
