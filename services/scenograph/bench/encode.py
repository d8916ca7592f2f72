"""The encoder service at several concurrencies, beside its models in a bare loop."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from typing import Any, Literal

from scenograph.bench.bare import Bare, batches, rate_for
from scenograph.bench.load.config import LoadConfig, make_config
from scenograph.bench.load.driver import run_load
from scenograph.bench.load.summary import counted, latencies
from scenograph.bench.sentences import fresh_sentences
from scenograph.packs import Pack
from scenograph.scene.errors import Unavailable

Kind = Literal["texts", "images"]
KINDS: tuple[Kind, ...] = ("texts", "images")
PARTS = (1, 32)
"""Texts or images in a call."""
BATCHES = (1, 4, 8, 16, 32)
TEXTS = 4096
"""Different texts of one figure: a server that remembers the last it read remembers none of them."""
UNDER_WAY = 256
"""Most parts that are asked for at a time; the servers' queues of images hold as many."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Served:
    """What so many callers with so many parts a call got: parts a second, milliseconds, failed calls."""

    parts: int
    concurrency: int
    rate: float
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True, slots=True, order=True)
class Layout:
    """How a bare loop runs: loops side by side, ONNX Runtime threads of each, parts in a batch."""

    loops: int
    threads: int
    batch: int


@dataclass(frozen=True, slots=True)
class Encoding:
    """One kind of parts. `bare`: parts a second in the bare loop, by its layout."""

    kind: Kind
    served: tuple[Served, ...]
    bare: dict[Layout, float]

    @property
    def best(self) -> float:
        """The bare loop's best, in parts a second."""
        return max(self.bare.values())


def loads(concurrencies: Sequence[int], parts: Sequence[int]) -> list[tuple[int, int]]:
    """(parts a call, callers) to measure: no more callers than keep `UNDER_WAY` parts under way."""
    bounded = ((size, min(callers, max(1, UNDER_WAY // size))) for size in parts for callers in concurrencies)
    return list(dict.fromkeys(bounded))


def layouts(threads: int) -> list[Layout]:
    """The bare loop's: each thread a loop of its own, or all threads in one run."""
    shapes = dict.fromkeys([(threads, 1), (1, threads)])
    return [Layout(loops, each, batch) for loops, each in shapes for batch in BATCHES]


def measure(
    address: str,
    pack: Pack,
    pictures: Sequence[bytes],
    *,
    concurrencies: Sequence[int],
    parts: Sequence[int] = PARTS,
    seconds: float,
    rounds: int,
    threads: int,
    kinds: Iterable[Kind] = KINDS,
    tell: Tell = lambda line: None,
) -> list[Encoding]:
    """Medians over rounds; in each the service is asked and the bare loop run, one after the other.

    `threads`: of the bare loop; the server has as many workers, and is on this machine.
    Errors: InvalidInput (it is not), Unavailable (no call went well).
    """
    bare = {each: Bare(pack, threads=each) for each in {layout.threads for layout in layouts(threads)}}
    found = []
    for kind in kinds:
        source = Source(kind, pictures)
        served: dict[tuple[int, int], list[Served]] = {load: [] for load in loads(concurrencies, parts)}
        rates: dict[Layout, list[float]] = {layout: [] for layout in layouts(threads)}
        for round_ in range(rounds):
            for size, callers in served:
                tell(f"round {round_ + 1}: {kind}, {callers} callers, {size} a call")
                served[size, callers].append(served_rate(source, address, size, callers, seconds))
            for layout in rates:
                tell(f"round {round_ + 1}: {kind}, bare loop, batches of {layout.batch}")
                loop = bare[layout.threads]
                work: Callable[[Sequence[Any]], object] = loop.texts if kind == "texts" else loop.images
                sliced = batches(source.take(max(BATCHES)), layout.batch)
                rates[layout].append(rate_for(work, sliced, layout.loops, seconds))
        found.append(
            Encoding(
                kind,
                tuple(map(_median, served.values())),
                {layout: median(each) for layout, each in rates.items()},
            )
        )
    return found


class Source:
    """Texts or images to encode; no text comes twice."""

    def __init__(self, kind: Kind, pictures: Sequence[bytes]) -> None:
        self.kind = kind
        self._pictures = pictures
        self._texts = fresh_sentences()

    def take(self, least: int) -> list[Any]:
        """`TEXTS` texts, or all pictures, again and again until there are `least`."""
        if self.kind == "texts":
            return list(islice(self._texts, TEXTS))
        return list(islice(cycle(self._pictures), max(least, len(self._pictures))))


def _requests(source: Source, size: int) -> list[dict[str, Any]]:
    parts = source.take(size)
    groups = batches(parts, size)
    if source.kind == "texts":
        return [{"texts": list(group)} for group in groups]
    return [
        {"images": [{"image": {"content": base64.b64encode(picture).decode()}} for picture in group]}
        for group in groups
    ]


def served_rate(source: Source, address: str, size: int, concurrency: int, seconds: float) -> Served:
    """What the encoder service gives so many callers with `size` parts a call.  Errors: Unavailable."""
    config = make_config(
        {
            "call": f"scenograph.v1.EncoderService/Encode{source.kind.capitalize()}",
            "host": address,
            "insecure": True,
            "concurrency": concurrency,
            "duration": f"{seconds}s",
            "duration-stop": "wait",
            "timeout": "120s",
            "data": _requests(source, size),
        }
    )
    return asked(config, size)


def asked(config: LoadConfig, size: int) -> Served:
    """What a load with `size` parts a call got.  Errors: Unavailable (no call went well)."""
    load = run_load(config)
    figures = latencies(load.samples.from_sent[counted(load)])
    if figures is None:
        raise Unavailable(f"no call of {config.call} went well: {dict(load.samples.errors)}")
    good = int(counted(load).sum())
    return Served(
        size,
        config.concurrency,
        size * good / load.seconds,
        figures.percentiles[50] / 1e6,
        figures.percentiles[99] / 1e6,
        len(load.samples.done) - good,
    )


def _median(rounds: Sequence[Served]) -> Served:
    return Served(
        rounds[0].parts,
        rounds[0].concurrency,
        median(each.rate for each in rounds),
        median(each.p50_ms for each in rounds),
        median(each.p99_ms for each in rounds),
        sum(each.failed for each in rounds),
    )
