"""The encoder service at several concurrencies, beside its models in a bare loop."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from scenograph.bench.bare import Bare, batches, rate_for
from scenograph.bench.load.config import make_config
from scenograph.bench.load.driver import run_load
from scenograph.bench.load.summary import counted, latencies
from scenograph.bench.sentences import TEMPLATES, sentences
from scenograph.packs import Pack
from scenograph.scene.errors import Unavailable

Kind = Literal["texts", "images"]
KINDS: tuple[Kind, ...] = ("texts", "images")
BATCHES = (1, 4, 8, 16, 32)
TEXTS = 512
"""Texts that the bare loop goes through."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Served:
    """What so many callers with one part a call got: parts a second, milliseconds, failed calls."""

    concurrency: int
    rate: float
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True, slots=True)
class Encoding:
    """One kind of parts. `bare`: parts a second in the bare loop, by the size of its batches."""

    kind: Kind
    served: tuple[Served, ...]
    bare: dict[int, float]

    @property
    def best(self) -> float:
        """The bare loop's best, in parts a second."""
        return max(self.bare.values())


def measure(
    address: str,
    pack: Pack,
    pictures: Sequence[bytes],
    *,
    concurrencies: Sequence[int],
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
    loop = Bare(pack)
    return [
        _kind(kind, loop, address, pictures, concurrencies, seconds, rounds, threads, tell) for kind in kinds
    ]


def _kind(
    kind: Kind,
    loop: Bare,
    address: str,
    pictures: Sequence[bytes],
    concurrencies: Sequence[int],
    seconds: float,
    rounds: int,
    threads: int,
    tell: Tell,
) -> Encoding:
    served: dict[int, list[Served]] = {concurrency: [] for concurrency in concurrencies}
    bare: dict[int, list[float]] = {size: [] for size in BATCHES}
    work: Callable[[Sequence[Any]], object] = loop.texts if kind == "texts" else loop.images
    parts: Sequence[Any] = sentences(TEXTS) if kind == "texts" else pictures
    while len(parts) < max(BATCHES):
        parts = [*parts, *parts]
    for round_ in range(rounds):
        for concurrency in concurrencies:
            tell(f"round {round_ + 1}: {kind}, {concurrency} callers")
            served[concurrency].append(_asked(kind, address, pictures, concurrency, seconds))
        for size in BATCHES:
            tell(f"round {round_ + 1}: {kind}, bare loop, batches of {size}")
            bare[size].append(rate_for(work, batches(parts, size), threads, seconds))
    return Encoding(
        kind, tuple(map(_median, served.values())), {size: median(rates) for size, rates in bare.items()}
    )


def _asked(kind: Kind, address: str, pictures: Sequence[bytes], concurrency: int, seconds: float) -> Served:
    if kind == "texts":  # the number keeps the server from remembering them
        data: list[Any] = [
            {"texts": [f"{sentence} number {{{{randomInt 0 1000000000}}}}"]} for sentence in TEMPLATES
        ]
    else:
        data = [
            {"images": [{"image": {"content": base64.b64encode(picture).decode()}}]} for picture in pictures
        ]
    config = make_config(
        {
            "call": f"scenograph.v1.EncoderService/Encode{kind.capitalize()}",
            "host": address,
            "insecure": True,
            "concurrency": concurrency,
            "duration": f"{seconds}s",
            "duration-stop": "wait",
            "timeout": "120s",
            "data": data,
        }
    )
    load = run_load(config)
    figures = latencies(load.samples.from_sent[counted(load)])
    if figures is None:
        raise Unavailable(f"no {kind} were encoded: {dict(load.samples.errors)}")
    good = int(counted(load).sum())
    return Served(
        concurrency,
        good / load.seconds,
        figures.percentiles[50] / 1e6,
        figures.percentiles[99] / 1e6,
        len(load.samples.done) - good,
    )


def _median(rounds: Sequence[Served]) -> Served:
    return Served(
        rounds[0].concurrency,
        median(each.rate for each in rounds),
        median(each.p50_ms for each in rounds),
        median(each.p99_ms for each in rounds),
        sum(each.failed for each in rounds),
    )
