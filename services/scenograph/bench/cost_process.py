"""One index in a process of its own, measured from inside.

`python -m scenograph.bench.cost_process settle | measure FOLDER SEARCHES DIMENSION`
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from scenograph.index.app import IndexApp
from scenograph.index.limits import Limits
from scenograph.runtime.contracts import CodeArray, IndexQuery, SearchKind

NAME, PACK = "photos", "bench@1"
FILTER = "group = 3"
QUIET_S = 0.5
"""A process that uses no processor for so long has nothing left to do."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in memory: the process's own, and pages of files, which the system takes back when it needs
    them.
    """

    own: int
    files: int


@dataclass(frozen=True, slots=True)
class Searches:
    """Searches one after the other: milliseconds of the clock, and of processors, the mean."""

    p50_ms: float
    p99_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Opened:
    """An index that is opened as it was left. Memory: before the collection is opened, then when it serves,
    after the plain searches, and after those with a filter, whose first one reads the metadata.
    """

    lists: int
    start_s: float
    empty: Memory
    started: Memory
    searched: Memory
    filtered: Memory
    plain_searches: Searches
    first_filtered_ms: float
    filtered_searches: Searches
    snapshot_s: float
    snapshot_bytes: int


async def settle(folder: Path) -> None:
    """Opens the collection, and ends when its lists are made, where it is large enough to have some."""
    app = IndexApp(folder / "data")
    await app.start()
    try:
        while True:
            found = await app.get_collection(NAME)
            if found.entries <= Limits().exact_up_to or found.search_index.kind is SearchKind.LISTS:
                break
            await asyncio.sleep(0.1)
        await _quiet()
    finally:
        await app.close()


async def measure(folder: Path, searches: int, dimension: int) -> Opened:
    """Opens, searches, makes a snapshot, and removes it."""
    queries: CodeArray = np.load(folder / "queries.npy")
    empty = memory()
    began = time.perf_counter()
    app = IndexApp(folder / "data")
    await app.start()
    start_s = time.perf_counter() - began
    try:
        started = memory()
        await _quiet()
        plain = await _searched(app, queries, searches, dimension, "")
        searched = memory()
        began = time.perf_counter()
        await _searched(app, queries, 1, dimension, FILTER)
        first = 1e3 * (time.perf_counter() - began)
        filtered = await _searched(app, queries, searches, dimension, FILTER)
        after = memory()
        began = time.perf_counter()
        snapshot = await app.create_snapshot(NAME, "cost")
        snapshot_s = time.perf_counter() - began
        await app.delete_snapshot("cost")
        lists = (await app.get_collection(NAME)).search_index.lists
        return Opened(
            lists=lists,
            start_s=start_s,
            empty=empty,
            started=started,
            searched=searched,
            filtered=after,
            plain_searches=plain,
            first_filtered_ms=first,
            filtered_searches=filtered,
            snapshot_s=snapshot_s,
            snapshot_bytes=snapshot.bytes,
        )
    finally:
        await app.close()


async def _searched(app: IndexApp, queries: CodeArray, number: int, dimension: int, filter: str) -> Searches:
    random = np.random.default_rng(1)
    took: list[float] = []
    began_cpu = time.process_time()
    for place in range(number):
        code = queries[place % len(queries)]
        vector = random.standard_normal(dimension).astype(np.float32) if dimension else None
        query = IndexQuery(code, 8 * len(code), PACK, vector, filter=filter)
        began = time.perf_counter()
        await app.search(NAME, query)
        took.append(1e3 * (time.perf_counter() - began))
    cpu = 1e3 * (time.process_time() - began_cpu) / number
    p50, p99 = np.percentile(np.array(took), [50, 99]).tolist()
    return Searches(p50, p99, cpu)


async def _quiet() -> None:
    """Returns when nothing runs in the background any more, such as the check of the embeddings."""
    while True:
        before = time.process_time()
        await asyncio.sleep(QUIET_S)
        if time.process_time() - before < 0.01 * QUIET_S:
            return


def memory(process: str = "self") -> Memory:
    """What a process of this machine has in memory, by /proc."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    kib = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
    return Memory(1024 * kib["Anonymous"], 1024 * (kib["Rss"] - kib["Anonymous"]))


def cpu_seconds(processes: list[int]) -> float:
    """Seconds of processors that processes of this machine have used, by /proc."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    what, folder, searches, dimension = sys.argv[1:]
    if what == "settle":
        asyncio.run(settle(Path(folder)))
    else:
        opened = asyncio.run(measure(Path(folder), int(searches), int(dimension)))
        sys.stdout.buffer.write(msgspec.json.encode(opened))
