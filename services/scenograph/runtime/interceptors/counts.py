"""Measures each call: how many run, how long they took, how they ended."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scenograph.runtime.interceptors.around import Around, Call, NameOf
from scenograph.runtime.interceptors.outcome import outcome
from scenograph.runtime.telemetry.metrics import Metrics


class Counts(Around):
    """Keeps `rpc_seconds` and `rpc_in_flight`."""

    def __init__(self, metrics: Metrics, name_of: NameOf) -> None:
        self._metrics = metrics
        self._name_of = name_of

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        name = self._name_of(call.method)
        in_flight = self._metrics.rpc_in_flight.labels(name)
        in_flight.inc()
        start = time.perf_counter()
        try:
            with outcome(call) as seen:
                yield
        finally:
            in_flight.dec()
            self._metrics.rpc_seconds.labels(name, seen.code).observe(time.perf_counter() - start)
