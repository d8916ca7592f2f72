"""Measures each call: how many run, how long they took, how they ended."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from scenograph.runtime.interceptors.around import Around, Call, GoOn, NameOf
from scenograph.runtime.interceptors.outcome import Outcome
from scenograph.runtime.telemetry.metrics import Metrics


class Counts(Around):
    """Keeps `rpc_seconds` and `rpc_in_flight`."""

    def __init__(self, metrics: Metrics, name_of: NameOf) -> None:
        self._metrics = metrics
        self._name_of = name_of
        self._running: defaultdict[str, int] = defaultdict(int)

    async def around(self, call: Call, request: Any, go_on: GoOn) -> Any:
        name = self._name_of(call.method)
        if name not in self._running:
            in_flight = self._metrics.rpc_in_flight.labels(name)
            in_flight.set_function(lambda: self._running[name])
        self._running[name] += 1
        start = time.perf_counter()
        try:
            with Outcome(call) as outcome:
                return await go_on(call, request)
        finally:
            self._running[name] -= 1
            self._metrics.called(name, outcome.code, time.perf_counter() - start)
