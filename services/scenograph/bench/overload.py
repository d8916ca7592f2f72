"""Twice the load that a server can take: what of it is answered in time, and how the rest is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenograph.bench.cached import SEARCH
from scenograph.bench.collection import search_data
from scenograph.bench.load.config import make_config
from scenograph.bench.load.driver import Load, run_load
from scenograph.bench.load.statuses import OK
from scenograph.bench.load.summary import latencies, statuses
from scenograph.bench.sentences import TEMPLATES
from scenograph.scene.errors import Unavailable

CONNECTIONS = 8
"""Of the load: several processes on a port are given connections, not calls."""
REFUSED = 8
"""RESOURCE_EXHAUSTED."""


@dataclass(frozen=True, slots=True)
class Overload:
    """Answers within the deadline a second: `peak` of callers who wait for them, `goodput` of an open load.

    `offered` requests a second. Milliseconds are from when a call was sent. `advised`: share of the refusals
    that say when to come back. `degraded`, `peak_degraded`: share of the answers that lack a stage.
    """

    peak: float
    offered: float
    goodput: float
    answered_p50_ms: float
    answered_p99_ms: float
    refused: int
    refused_p50_ms: float
    refused_p99_ms: float
    advised: float
    other: dict[str, int]
    degraded: float
    peak_degraded: float

    @property
    def share(self) -> float:
        """Goodput as a share of the peak."""
        return self.goodput / self.peak


def measure(
    address: str,
    *,
    callers: int,
    factor: float,
    seconds: float,
    deadline_s: float,
    rounds: int,
    degraded: Callable[[], float],
    tell: Callable[[str], None] = lambda line: None,
) -> Overload:
    """Searches for sentences never seen before: first by so many callers, then at `factor` times the rate.

    Both in each round; the round whose share of goodput is the median. `degraded` counts the server's
    degraded answers so far.  Errors: Unavailable (no search went well).
    """
    found = [_round(address, callers, factor, seconds, deadline_s, degraded, tell) for _ in range(rounds)]
    return sorted(found, key=lambda each: each.share)[rounds // 2]


def _round(
    address: str,
    callers: int,
    factor: float,
    seconds: float,
    deadline_s: float,
    degraded: Callable[[], float],
    tell: Callable[[str], None],
) -> Overload:
    tell(f"peak: {callers} callers")
    begun = degraded()
    closed = _load(address, seconds, deadline_s, concurrency=callers)
    peak = _good(closed) / closed.seconds
    if not peak:
        raise Unavailable(f"no search was answered: {dict(closed.samples.errors)}")
    rate = max(1, round(factor * peak))
    tell(f"overload: {rate} requests a second")
    before = degraded()
    opened = _load(address, seconds, deadline_s, **{"rps": rate, "async": True})
    samples = opened.samples
    refused = samples.status == REFUSED
    answered = latencies(samples.from_sent[samples.status == OK.value[0]])
    refusals = latencies(samples.from_sent[refused])
    told = statuses(samples)
    return Overload(
        peak=peak,
        offered=len(samples.done) / seconds,
        goodput=_good(opened) / max(seconds, opened.seconds),
        answered_p50_ms=answered.percentiles[50] / 1e6 if answered else 0.0,
        answered_p99_ms=answered.percentiles[99] / 1e6 if answered else 0.0,
        refused=int(refused.sum()),
        refused_p50_ms=refusals.percentiles[50] / 1e6 if refusals else 0.0,
        refused_p99_ms=refusals.percentiles[99] / 1e6 if refusals else 0.0,
        advised=samples.advised / max(1, int(refused.sum())),
        other={name: count for name, count in told.items() if name not in ("OK", "ResourceExhausted")},
        degraded=(degraded() - before) / max(1, _good(opened)),
        peak_degraded=(before - begun) / _good(closed),
    )


def _load(address: str, seconds: float, deadline_s: float, **more: Any) -> Load:
    texts = [f"{sentence} number {{{{randomInt 0 1000000000}}}}" for sentence in TEMPLATES]
    return run_load(
        make_config(
            {
                "call": SEARCH,
                "host": address,
                "insecure": True,
                "connections": CONNECTIONS,
                "duration": f"{seconds}s",
                "duration-stop": "wait",
                "timeout": f"{deadline_s}s",
                "data": search_data(texts),
                **more,
            }
        )
    )


def _good(load: Load) -> int:
    """Answers; those after the deadline are none."""
    return int(np.sum(load.samples.status == OK.value[0]))
