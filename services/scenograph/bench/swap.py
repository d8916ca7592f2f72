"""Latencies before, during and after a pack is loaded and switched to, under a load that goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenograph.bench.load.config import make_config
from scenograph.bench.load.driver import Load, run_load
from scenograph.bench.load.statuses import OK
from scenograph.bench.sentences import sentences
from scenograph.client import Client, Item
from scenograph.scene.errors import Unavailable

COLLECTION = "scenograph-bench"
ASKED = 200
"""Different sentences that are asked for."""
WARM_S = 2.0
"""How long the load goes on before anything counts."""
BEFORE, DURING, SWITCHED, BACK = "before", "load and switch", "switched", "rolled back"


@dataclass(frozen=True, slots=True)
class Phase:
    """The calls of one method that were due in a phase, in all rounds: how many, how many failed, latencies
    in milliseconds from when they were due (0 where there were none).
    """

    method: str
    name: str
    calls: int
    failed: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Swap:
    """What a swap did to calls, how long loading took (seconds, each round), and the first error's text."""

    phases: tuple[Phase, ...]
    load_s: tuple[float, ...]
    failed: int
    error: str

    def ratio(self, method: str, name: str) -> float:
        """The 99th percentile in a phase, as a multiple of that before; 0 where one of them has no calls."""
        p99 = {phase.name: phase.p99_ms for phase in self.phases if phase.method == method}
        return p99[name] / p99[BEFORE] if p99[BEFORE] else 0.0


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From when to when (nanoseconds of the monotonic clock) a phase lasted."""

    name: str
    start_ns: int
    end_ns: int


def measure(
    address: str,
    old: str,
    new: str,
    pictures: Sequence[bytes],
    *,
    rate: int,
    seconds: float,
    rounds: int,
    tell: Callable[[str], None] = lambda what: None,
) -> Swap:
    """Each round: `seconds` with `old`, load and switch to `new`, `seconds` with it, switch back, unload.

    Meanwhile `rate` searches a second of a collection of `old`, which it keeps serving, and as many calls of
    Rank, which are served by the default pack. The collection is removed again.
    Errors: Unavailable (an item was not stored), those of the admin service.
    """
    with Client(address, timeout=600) as client:
        said = sentences(len(pictures) + ASKED)
        items = [Item(f"p{n}", picture, [said[n]]) for n, picture in enumerate(pictures)]
        client.create_collection(COLLECTION)
        try:
            for status in client.ingest(COLLECTION, items):
                if not status.ok:
                    raise Unavailable(f"{status.item_id} was not stored: {status.error}")
            return _measure(client, old, new, said[len(pictures) :], rate, seconds, rounds, tell)
        finally:
            client.delete_collection(COLLECTION)


def _measure(
    client: Client,
    old: str,
    new: str,
    said: Sequence[str],
    rate: int,
    seconds: float,
    rounds: int,
    tell: Callable[[str], None],
) -> Swap:
    over = threading.Event()
    stretches: list[_Stretch] = []
    load_s: list[float] = []

    def phase(name: str, what: Callable[[], None]) -> None:
        tell(name)
        start_ns = time.monotonic_ns()
        what()
        stretches.append(_Stretch(name, start_ns, time.monotonic_ns()))

    def swap() -> None:
        began = time.perf_counter()
        client.load_pack(new)
        load_s.append(time.perf_counter() - began)
        client.set_default_pack(new)

    def back() -> None:
        client.set_default_pack(old)
        client.unload_pack(new)
        time.sleep(seconds)

    with ThreadPoolExecutor(2) as pool:
        configs = [make_config(config) for config in _configs(client.address, said, rate)]
        loads = [pool.submit(run_load, config, stop=over.is_set) for config in configs]
        try:
            time.sleep(WARM_S)
            for _ in range(rounds):
                phase(BEFORE, lambda: time.sleep(seconds))
                phase(DURING, swap)
                phase(SWITCHED, lambda: time.sleep(seconds))
                phase(BACK, back)
        finally:
            over.set()
        ended = [load.result() for load in loads]
    errors = [error for load in ended for error in load.samples.errors]
    phases = tuple(
        _phase(load, name, stretches) for load in ended for name in (BEFORE, DURING, SWITCHED, BACK)
    )
    return Swap(phases, tuple(load_s), sum(each.failed for each in phases), errors[0] if errors else "")


def _configs(address: str, said: Sequence[str], rate: int) -> list[dict[str, Any]]:
    common = {"host": address, "insecure": True, "rps": rate, "async": True, "duration": "1h"}
    searches = [
        {"collection": COLLECTION, "query": _asks(text), "options": {"bypass_cache": True}} for text in said
    ]
    candidates = [{"text": text} for text in said[:4]]
    ranks = [{"query": _asks(text), "candidates": candidates} for text in said]
    gateway = "scenograph.v1.GatewayService"
    return [
        common | {"call": f"{gateway}/Search", "data": searches},
        common | {"call": f"{gateway}/Rank", "data": ranks},
    ]


def _asks(text: str) -> dict[str, Any]:
    return {"parts": [{"text": text}]}


def _phase(load: Load, name: str, stretches: Sequence[_Stretch]) -> Phase:
    due = load.samples.due + load.start_ns
    inside = np.zeros(len(due), dtype=bool)
    for stretch in stretches:
        if stretch.name == name:
            inside |= (due >= stretch.start_ns) & (due < stretch.end_ns)
    waited = load.samples.from_due[inside] / 1e6
    failed = int(np.count_nonzero(load.samples.status[inside] != OK.value[0]))
    p50, p99 = np.percentile(waited, (50, 99), method="inverted_cdf") if len(waited) else (0.0, 0.0)
    method = load.config.call.rpartition("/")[2]
    return Phase(method, name, len(waited), failed, float(p50), float(p99))
