"""Cached searches a second beside an empty echo, at saturation: same callers, same cores, in turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from scenograph.bench.collection import COLLECTION, search_data
from scenograph.bench.cores import kept_to, processor_seconds
from scenograph.bench.echo import CALL, write_protoset
from scenograph.bench.load.config import make_config
from scenograph.bench.load.driver import run_load
from scenograph.bench.load.summary import counted, latencies
from scenograph.bench.sentences import TEMPLATES
from scenograph.client import Client
from scenograph.scene.errors import Unavailable

SEARCH = "scenograph.v1.GatewayService/Search"


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a second, their latency, and what one costs its server in processor time, in milliseconds."""

    rate: float
    p50_ms: float
    p99_ms: float
    server_ms: float


@dataclass(frozen=True, slots=True)
class Cached:
    """Medians over the rounds: cached searches, and the echo beside them."""

    search: Rate
    echo: Rate
    callers: int
    rounds: int

    @property
    def share(self) -> float:
        """Cached searches a second as a share of the echo's."""
        return self.search.rate / self.echo.rate

    @property
    def server_share(self) -> float:
        """The same by processor time of the servers, which no limit of the callers touches."""
        return self.echo.server_ms / self.search.server_ms


@dataclass(frozen=True, slots=True)
class Place:
    """A server that is measured: its address and its process."""

    address: str
    pid: int


def measure(
    search: Place,
    echo: Place,
    *,
    callers: int,
    workers: int,
    seconds: float,
    rounds: int,
    cores: set[int],
    tell: Callable[[str], None] = lambda line: None,
) -> Cached:
    """Each round loads the one server, then the other, from `workers` processes on `cores`.

    The server of searches has the collection that `collection.filled` makes.
    Errors: Unavailable (a call failed).
    """
    sentences = TEMPLATES[:16]
    with Client(search.address) as client:
        for sentence in sentences:
            client.search(COLLECTION, text=sentence)
    found: dict[str, list[Rate]] = {"search": [], "echo": []}
    with tempfile.TemporaryDirectory(prefix="scenograph-") as folder, kept_to(cores):
        protoset = Path(folder) / "echo.protoset"
        write_protoset(protoset)
        loads: Mapping[str, tuple[Place, dict[str, Any]]] = {
            "echo": (echo, {"call": CALL, "protoset": str(protoset)}),
            "search": (search, {"call": SEARCH, "data": search_data(sentences)}),
        }
        for round_ in range(rounds):
            for name, (place, values) in loads.items():
                tell(f"round {round_ + 1}: {name}")
                found[name].append(_rate(place, values, callers, workers, seconds))
    return Cached(_median(found["search"]), _median(found["echo"]), callers, rounds)


def _rate(place: Place, values: dict[str, Any], callers: int, workers: int, seconds: float) -> Rate:
    config = make_config(
        {
            "host": place.address,
            "insecure": True,
            "concurrency": callers,
            "duration": f"{seconds}s",
            "duration-stop": "wait",
            **values,
        }
    )
    before = processor_seconds(place.pid)
    load = run_load(config, workers=workers)
    used = processor_seconds(place.pid) - before
    good = counted(load)
    figures = latencies(load.samples.from_sent[good])
    if figures is None or not good.all():
        raise Unavailable(f"calls failed: {dict(load.samples.errors)}")
    number = int(good.sum())
    return Rate(
        number / load.seconds,
        figures.percentiles[50] / 1e6,
        figures.percentiles[99] / 1e6,
        used * 1e3 / number,
    )


def _median(rates: Sequence[Rate]) -> Rate:
    return Rate(
        *(median(getattr(each, name) for each in rates) for name in ("rate", "p50_ms", "p99_ms", "server_ms"))
    )
