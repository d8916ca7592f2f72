"""How long an index takes to open a large collection: as it was left, and without anything but its records.

Each start is in a process of its own: `python -m scenograph.bench.startup FOLDER`.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from scenograph.bench.codes import Mixture, Tell
from scenograph.index.app import IndexApp
from scenograph.runtime.contracts import Entry, IndexQuery, Modality, Record, Write

NAME, PACK = "photos", "bench@1"
DIMENSION = 384
BATCH = 1024


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds until the index serves, milliseconds of its first search, and the process's own memory in
    bytes: what is mapped from files is the system's and not counted.
    """

    seconds: float
    first_search_ms: float
    memory: int


@dataclass(frozen=True, slots=True)
class Starting:
    """Starts of a collection of `items` items of one entry each, and the bytes of its files."""

    items: int
    records_bytes: int
    columns_bytes: int
    as_left: Start
    from_records: Start


def measure(mixture: Mixture, items: int, tell: Tell) -> Starting:
    """Writes a collection through the index, then opens it twice."""
    with tempfile.TemporaryDirectory(prefix="scenograph-") as name:
        folder = Path(name)
        asyncio.run(_write(folder, mixture, items, tell))
        (columns,) = folder.glob("collections/*/*.columns")
        sizes = [_size(path) for path in (columns.with_suffix(""), columns)]
        tell("opened as it was left", 0, 2)
        as_left = _start(folder)
        shutil.rmtree(columns)
        tell("opened from its records alone", 1, 2)
        return Starting(items, sizes[0], sizes[1], as_left, _start(folder))


async def _write(folder: Path, mixture: Mixture, items: int, tell: Tell) -> None:
    random, done = np.random.default_rng(0), 0
    app = IndexApp(folder)
    await app.start()
    try:
        await app.create_collection(NAME, PACK, mixture.bits)
        for codes, _ in mixture.entries(items):
            for start in range(0, len(codes), BATCH):
                part = codes[start : start + BATCH]
                vectors = random.standard_normal((len(part), DIMENSION), np.float32)
                entries = [
                    Entry(Modality.IMAGE, 0, "", None, *each, 640, 480)
                    for each in zip(vectors, part, strict=True)
                ]
                writes = [
                    Write(Record(f"item-{done + place:09d}", (entry,), PACK, {"number": done + place}))
                    for place, entry in enumerate(entries)
                ]
                await app.upsert(NAME, writes)
                done += len(part)
            tell("items written", done, items)
    finally:
        await app.close()


def _start(folder: Path) -> Start:
    command = [sys.executable, "-m", __name__, str(folder)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Start(**json.loads(run.stdout))


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_blocks * 512 for file in files)


async def _opened(folder: Path) -> Start:
    began = time.perf_counter()
    app = IndexApp(folder)
    await app.start()
    took = time.perf_counter() - began
    try:
        bits = (await app.get_collection(NAME)).bits
        query = IndexQuery(np.zeros(bits // 8, np.uint8), bits, PACK, np.ones(DIMENSION, np.float32))
        began = time.perf_counter()
        await app.search(NAME, query)
        first = 1e3 * (time.perf_counter() - began)
        return Start(took, first, _own_memory())
    finally:
        await app.close()


def _own_memory() -> int:
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * int(found[1]) if found else 0


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_opened(Path(sys.argv[1]))))))
