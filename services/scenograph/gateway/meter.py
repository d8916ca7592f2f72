"""What the gateway's answers come to in the server's metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scenograph.gateway.answers import CacheStatus, Outcome, Report
from scenograph.gateway.lacks import Lack, lacks
from scenograph.runtime.telemetry.metrics import Metrics


class Meter:
    """Takes in answers as they are given."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        for lack in Lack:
            metrics.degraded.labels(lack.name.lower())

    def searched(self, report: Report) -> None:
        """A search, of one page or in stages."""
        if report.cache is not CacheStatus.UNSPECIFIED:
            self._metrics.cache_lookups.labels("ranking", report.cache.name.lower()).inc()
        self._answered("search", report)

    def searched_again(self, milliseconds: float) -> None:
        """A search answered with what was sent before."""
        self._metrics.cache_lookups.labels("ranking", "hit").inc()
        self._metrics.stages("search", {"total": milliseconds})

    def ranked(self, report: Report) -> None:
        """A rank, which no cache keeps."""
        self._answered("rank", report)

    def prepared(self, timings: Mapping[str, float]) -> None:
        """A batch of items made ready for the index, in milliseconds by stage."""
        self._metrics.stages("ingest", timings)

    def ingested(self, outcomes: Sequence[Outcome]) -> None:
        """A batch of items written."""
        for outcome in outcomes:
            result = "failed" if outcome.error else "replayed" if outcome.replayed else "stored"
            self._metrics.ingested.labels(result).inc()

    def _answered(self, work: str, report: Report) -> None:
        self._metrics.stages(work, report.timings)
        if report.degraded:
            for lack in lacks(report.degraded_reason):
                self._metrics.degraded.labels(lack.name.lower()).inc()
