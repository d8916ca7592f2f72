"""What a collection costs, by its size: disk, memory, processor time and latency, each measured.

A size is written through the index as any client's writes are, durably, and opened in a process of its own
(`bench.cost_process`). Codes are made around real ones (`bench.codes`); embeddings are random, since only
their size counts here.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from scenograph.bench.codes import Mixture, Tell
from scenograph.bench.cost_process import NAME, PACK, Opened
from scenograph.index.app import IndexApp
from scenograph.index.limits import Limits
from scenograph.runtime.contracts import CodeArray, Entry, Modality, Record, Write

BATCH, TOGETHER = 1024, 4
"""Writes of a call, and calls at a time: as a few clients of a bulk ingest send them."""
GROUPS = 10
"""Values of the metadata that filtered searches ask for: one item in so many passes."""
BLOCK = 512  # bytes that st_blocks counts in


@dataclass(frozen=True, slots=True)
class Size:
    """A collection of `items` items of one entry each; `dimension` floats of embedding, 0: codes alone.

    Bytes on disk; seconds of the clock and of processors to write all of it, with a commit for every
    BATCH * TOGETHER items.
    """

    items: int
    bits: int
    dimension: int
    records_bytes: int
    columns_bytes: int
    write_s: float
    write_cpu_s: float
    opened: Opened


def measure(
    mixture: Mixture, items: int, dimension: int, *, searches: int, place: Path | None, tell: Tell
) -> Size:
    """Writes a collection into a temporary folder (in `place`, where that is given) and opens it there."""
    with tempfile.TemporaryDirectory(prefix="scenograph-cost-", dir=place) as name:
        folder = Path(name)
        written = asyncio.run(_write(folder, mixture, items, dimension, tell))
        np.save(folder / "queries.npy", mixture.queries(searches))
        tell("lists made", 0, 1)
        _process(folder, "settle", searches, dimension)
        sizes = _sizes(folder)
        tell("opened and searched", 0, 1)
        opened = msgspec.json.decode(_process(folder, "measure", searches, dimension), type=Opened)
        return Size(items, mixture.bits, dimension, *sizes, *written, opened)


def _process(folder: Path, what: str, searches: int, dimension: int) -> bytes:
    command = [sys.executable, "-m", "scenograph.bench.cost_process", what, str(folder), str(searches)]
    return subprocess.run([*command, str(dimension)], stdout=subprocess.PIPE, check=True).stdout


async def _write(
    folder: Path, mixture: Mixture, items: int, dimension: int, tell: Tell
) -> tuple[float, float]:
    """Seconds of the clock and of processors, without those in which the writes were made up."""
    random = np.random.default_rng(0)
    made = made_cpu = 0.0
    began, began_cpu = time.perf_counter(), time.process_time()
    app = IndexApp(folder / "data", Limits(exact_up_to=2**62))  # lists are made once, at the end
    await app.start()
    try:
        await app.create_collection(NAME, PACK, mixture.bits)
        done = 0
        for codes, _ in mixture.entries(items):
            for start in range(0, len(codes), BATCH * TOGETHER):
                clock, cpu = time.perf_counter(), time.thread_time()
                part = codes[start : start + BATCH * TOGETHER]
                writes = _writes(part, done, dimension, random)
                made, made_cpu = made + time.perf_counter() - clock, made_cpu + time.thread_time() - cpu
                calls = [writes[first : first + BATCH] for first in range(0, len(writes), BATCH)]
                await asyncio.gather(*(app.upsert(NAME, call) for call in calls))
                done += len(writes)
                tell("items written", done, items)
    finally:
        await app.close()
    return time.perf_counter() - began - made, time.process_time() - began_cpu - made_cpu


def _writes(codes: CodeArray, first: int, dimension: int, random: np.random.Generator) -> list[Write]:
    vectors = random.standard_normal((len(codes), dimension), np.float32)
    return [
        Write(
            Record(
                f"item-{number:09d}",
                (Entry(Modality.IMAGE, 0, "", None, vector if dimension else None, code, 640, 480),),
                PACK,
                {"number": number, "group": number % GROUPS},
            )
        )
        for number, (code, vector) in enumerate(zip(codes, vectors, strict=True), first)
    ]


def _sizes(folder: Path) -> tuple[int, int]:
    """Bytes on disk of the records, and of the columns beside them."""
    (columns,) = folder.glob("data/collections/*/*.columns")
    beside = [path for path in columns.parent.iterdir() if path != columns and path.is_file()]
    return _bytes(beside), _bytes([path for path in columns.rglob("*") if path.is_file()])


def _bytes(files: list[Path]) -> int:
    return sum(path.stat().st_blocks * BLOCK for path in files)
