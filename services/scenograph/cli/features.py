"""Trains methods of the catalogue on a dataset of features and measures them, once a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from rich.progress import Progress

from scenograph.data.datasets import load_features
from scenograph.data.tables import Features
from scenograph.methods.catalogue import get_method
from scenograph.methods.contracts import Trained
from scenograph.methods.evaluation import (
    PROTOCOLS,
    Direction,
    Protocol,
    evaluate_hashing,
    evaluate_real_valued,
)
from scenograph.metrics.benchmark import HashingScore, RankingScore
from scenograph.scene.errors import InvalidInput
from scenograph.train.run import train_method


@dataclass(frozen=True, slots=True)
class Measured:
    """One direction of one training. Of hashing methods only: `bits`, `protocol`, `hashing`.

    `seconds`: training alone. `learned`: items of the database with codes that training learned for them.
    """

    method: str
    seed: int
    seconds: float
    direction: Direction
    ranking: RankingScore
    bits: int | None = None
    protocol: Protocol | None = None
    hashing: HashingScore | None = None
    learned: int = 0


def check_bits(text: str) -> list[int]:
    """Lengths of code. Errors: InvalidInput."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise InvalidInput(f"--bits takes numbers separated by commas, such as 16,32,64, not {text!r}")
    return sorted({int(part) for part in parts})


def check_protocols(names: Sequence[str] | None) -> list[Protocol]:
    """The protocols of these names, both where none is named. Errors: InvalidInput."""
    for name in names or ():
        if name not in PROTOCOLS:
            raise InvalidInput(f"a protocol is one of {', '.join(PROTOCOLS)}, not {name!r}")
    return [protocol for protocol in PROTOCOLS if protocol in (names or PROTOCOLS)]


def measure_hashing(
    methods: Sequence[str],
    dataset: str,
    root: Path,
    lengths: Sequence[int],
    seeds: Sequence[int],
    protocols: Sequence[Protocol],
    bar: Progress,
) -> list[Measured]:
    """Every method at every length with every seed. Errors: NotFound, InvalidInput, as `train_method`."""
    _check_methods(methods, hashing=True)
    data = load_features(dataset, root)
    measured = []
    for method, bits, seed in ((m, b, s) for m in methods for b in lengths for s in seeds):
        trained, seconds = _train(method, data, seed, bar, bits=bits)
        measured += [
            Measured(
                method,
                seed,
                seconds,
                each.direction,
                each.score.ranking,
                bits,
                each.protocol,
                each.score,
                each.learned,
            )
            for each in evaluate_hashing(trained, data, bits, protocols)
        ]
    return measured


def measure_real_valued(
    methods: Sequence[str],
    dataset: str,
    root: Path,
    dimension: int | None,
    seeds: Sequence[int],
    bar: Progress,
) -> list[Measured]:
    """Every method with every seed. Errors: NotFound, InvalidInput, as `train_method`."""
    _check_methods(methods, hashing=False)
    data = load_features(dataset, root)
    measured = []
    for method, seed in ((m, s) for m in methods for s in seeds):
        trained, seconds = _train(method, data, seed, bar, dimension=dimension)
        measured += [
            Measured(method, seed, seconds, each.direction, each.score)
            for each in evaluate_real_valued(trained, data)
        ]
    return measured


def _check_methods(methods: Sequence[str], *, hashing: bool) -> None:
    """Refuse what cannot be measured before anything is trained. Errors: NotFound, InvalidInput."""
    for recipe in map(get_method, methods):
        if recipe.task is not None:
            raise InvalidInput(f'"{recipe.key}" learns from photographs, not from features: see `train`')
        learns_codes = recipe.head.kind != "real"
        if learns_codes and not hashing:
            raise InvalidInput(f'"{recipe.key}" learns codes: measure it by `evaluate hashing`')
        if hashing and not learns_codes:
            raise InvalidInput(f'"{recipe.key}" is real-valued: measure it by `evaluate real-valued`')


def _train(
    method: str,
    data: Features,
    seed: int,
    bar: Progress,
    *,
    bits: int | None = None,
    dimension: int | None = None,
) -> tuple[Trained, float]:
    name = f"{method}, {bits} bits, seed {seed}" if bits else f"{method}, seed {seed}"
    task = bar.add_task(name, total=None)

    def told(what: str, done: int, total: int) -> None:
        bar.update(task, description=f"{name}: {what}", completed=done, total=total)

    train = data.features("train")
    start = perf_counter()
    trained = train_method(method, train, bits=bits, dimension=dimension, seed=seed, progress=told)
    seconds = perf_counter() - start
    bar.update(task, description=name, completed=1, total=1)
    return trained, seconds
