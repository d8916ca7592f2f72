"""The figures of one server for Prometheus. They are always kept; `metrics.address` says where to read them.

No label takes a value that a caller chooses, but for the names of collections, which are bounded in number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from scenograph.runtime.telemetry.certificate import CERTIFICATE_METRICS
from scenograph.runtime.telemetry.collections import COLLECTION_METRICS

# A series of each series' birth, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
FINE = (0.0001, 0.00025, 0.0005, *SECONDS)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)

_PARTS = {
    "visual": ("decode", "infer", "graph"),
    "encode": ("infer", "embed"),
    "search": ("queue", "filter", "hamming", "cosine", "read"),
}
STAGES = frozenset(("textual", "visual", "encode", "hash", "search", "match", "page", "explain", "total")) | {
    f"{stage}.{part}" for stage, parts in _PARTS.items() for part in parts
}
"""The stages that are told apart; others, which a service of another version may send, are left out."""
CACHES = ("ranking", "query")
RESULTS = ("hit", "miss", "bypass")
REMOTES = ("visual", "textual", "encoder", "hashing", "matching", "index")
"""The services that may be in other processes."""
OUTCOMES = ("stored", "replayed", "failed")
REFUSALS = ("unauthenticated", "denied", "quota")
ANOMALIES = ("bulk_export", "query_burst", "failed_logins", "failed_logins_in_all", "forged_principal")


class Row(NamedTuple):
    """A metric as documented: its name as scraped, its kind, labels, and meaning."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


class Metrics:
    """All metrics of a server, in a registry of its own. Methods may be called from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.table: list[Row] = []
        self._packs: dict[str, set[tuple[str, str]]] = {}
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.rpc_seconds = self._histogram(
            "scenograph_rpc_duration_seconds", "calls served, by method and gRPC code", "method code", SECONDS
        )
        self.rpc_in_flight = self._gauge("scenograph_rpc_in_flight", "calls being served", "method")
        self.stage_seconds = self._histogram(
            "scenograph_stage_duration_seconds",
            "stages of searches, ranks and ingested batches, by the names of an answer's timings",
            "work stage",
            FINE,
        )
        self.cache_lookups = self._counter(
            "scenograph_cache_lookups",
            "looks into the cache for rankings and for prepared queries: hit, miss, or bypass",
            "cache result",
        )
        self.degraded = self._counter(
            "scenograph_degraded_answers",
            "answers that lack a stage: parse (of a sentence), match (the graph stage), explain",
            "reason",
        )
        self.ingested = self._counter(
            "scenograph_ingested_items", "items taken in: stored, replayed (there already), failed", "result"
        )
        self.model_seconds = self._histogram(
            "scenograph_model_run_duration_seconds", "runs of ONNX models", "model", FINE
        )
        self.model_rows = self._histogram(
            "scenograph_model_run_rows", "rows in one run: the length of its first input", "model", ROWS
        )
        self.queue_seconds = self._histogram(
            "scenograph_queue_wait_seconds",
            "from asking for a run to its start, by model; `workers`: for a thread, where nothing is batched"
            "; `searches` and `ranks`: for a turn",
            "queue",
            FINE,
        )
        self.queue_rows = self._gauge("scenograph_queue_rows", "rows that wait for a run now", "queue")
        self.queue_refused = self._counter(
            "scenograph_queue_refused_calls", "calls refused because a queue was full", "queue"
        )
        self.server_info = self._gauge(
            "scenograph_server_info", "always 1: the version, and which services run here", "version services"
        )
        self.pack_info = self._gauge("scenograph_pack_info", "always 1: the model packs loaded", "pack")
        self.model_info = self._gauge(
            "scenograph_model_info",
            "always 1: the packs' models, with the first 12 digits of their SHA-256",
            "model digest",
        )
        self.circuit_open = self._gauge(
            "scenograph_circuit_open",
            "1 while a service is not called because it failed again and again, or one call tries it",
            "service",
        )
        self.circuit_refused = self._counter(
            "scenograph_circuit_refused_calls", "calls to such a service, refused at once", "service"
        )
        self.refused = self._counter(
            "scenograph_refused_calls",
            "calls refused for who made them: unauthenticated, denied (no right to it), quota",
            "reason",
        )
        self.anomalies = self._counter(
            "scenograph_anomalies",
            "alarms: bulk_export, query_burst, failed_logins (of one address), failed_logins_in_all, "
            "forged_principal",
            "kind",
        )
        self.audit_lines = self._counter("scenograph_audit_lines", "lines written to the audit log", "")
        self.audit_failures = self._counter(
            "scenograph_audit_failures", "times that the audit log could not be written", ""
        )
        self.table += (Row(*metric) for metric in (*COLLECTION_METRICS, *CERTIFICATE_METRICS))
        # Looking a series up by its labels takes as long as counting does.
        self._rpc = cache(self.rpc_seconds.labels)
        self._stage = cache(self.stage_seconds.labels)
        for kind in CACHES:
            for result in RESULTS:
                self.cache_lookups.labels(kind, result)
        for result in OUTCOMES:
            self.ingested.labels(result)
        for service in REMOTES:
            self.circuit_open.labels(service)
            self.circuit_refused.labels(service)
        for reason in REFUSALS:
            self.refused.labels(reason)
        for kind in ANOMALIES:
            self.anomalies.labels(kind)

    def called(self, method: str, code: str, seconds: float) -> None:
        """Takes in a call served."""
        self._rpc(method, code).observe(seconds)

    def stages(self, work: str, timings: Mapping[str, float]) -> None:
        """Takes in what the stages of one piece of work took, in milliseconds."""
        for stage, milliseconds in timings.items():
            if stage in STAGES:
                self._stage(work, stage).observe(milliseconds / 1000)

    def serves(self, version: str, services: Sequence[str]) -> None:
        """Says what runs."""
        self.server_info.labels(version, ",".join(services)).set(1)

    def has_pack(self, pack: str, digests: Mapping[str, str]) -> None:
        """Says that a pack is loaded, and its models: name -> SHA-256."""
        self._packs[pack] = {(model, digest[:12]) for model, digest in digests.items()}
        self.pack_info.labels(pack).set(1)
        for model, digest in self._packs[pack]:
            self.model_info.labels(model, digest).set(1)

    def has_pack_no_more(self, pack: str) -> None:
        """Says that a pack was unloaded; what other packs have of its models stays."""
        gone = self._packs.pop(pack)
        self.pack_info.remove(pack)
        for labels in gone.difference(*self._packs.values()):
            self.model_info.remove(*labels)

    def _histogram(self, name: str, meaning: str, labels: str, buckets: Sequence[float]) -> Histogram:
        names = self._note(name, "histogram", labels, meaning)
        return Histogram(name, meaning, names, buckets=buckets, registry=self.registry)

    def _counter(self, name: str, meaning: str, labels: str) -> Counter:
        names = self._note(f"{name}_total", "counter", labels, meaning)
        return Counter(name, meaning, names, registry=self.registry)

    def _gauge(self, name: str, meaning: str, labels: str) -> Gauge:
        return Gauge(name, meaning, self._note(name, "gauge", labels, meaning), registry=self.registry)

    def _note(self, name: str, kind: str, labels: str, meaning: str) -> tuple[str, ...]:
        names = tuple(labels.split())
        self.table.append(Row(name, kind, names, meaning))
        return names


UNREAD = Metrics()
"""Where parts that nobody gave a server's metrics keep theirs."""
