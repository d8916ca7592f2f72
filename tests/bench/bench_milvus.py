"""What searches and writes of an index take in a folder and on Milvus: `python -m tests.bench.bench_milvus`.

Without `--url` it starts the Milvus of the tests. Milliseconds by the clock, medians and 99th percentiles.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scenograph.index.app import IndexApp
from scenograph.index.milvus.app import MilvusIndex
from scenograph.runtime.contracts import Entry, Index, IndexQuery, Modality, Record, Write
from tests.milvus_server import TICK_MS, MilvusProcess

PACK, BITS, DIMENSION, BATCH = "bench@1", 256, 384, 256


def records(first: int, count: int) -> list[Record]:
    random = np.random.default_rng(first)
    codes = random.integers(0, 256, (count, BITS // 8), dtype=np.uint8)
    vectors = random.standard_normal((count, DIMENSION)).astype(np.float32)
    return [
        Record(
            f"i{first + i}",
            (Entry(Modality.IMAGE, embedding=vectors[i], code=codes[i], width=640, height=480),),
            PACK,
            {"n": first + i, "even": (first + i) % 2 == 0},
        )
        for i in range(count)
    ]


async def measure(name: str, index: Index, entries: int, searches: int) -> None:
    await index.create_collection("bench", PACK, BITS)
    began, batches = time.perf_counter(), []
    for first in range(0, entries, BATCH):
        made = [Write(one) for one in records(first, min(BATCH, entries - first))]
        start = time.perf_counter()
        result = await index.upsert("bench", made)
        batches.append(time.perf_counter() - start)
        assert not any(result.errors)
    print(
        f"{name}: {entries / (time.perf_counter() - began):,.0f} entries/s written; {told(batches)} a batch"
    )
    random = np.random.default_rng(1)
    kinds = {
        "1000 kept": "",
        "1000 kept, half pass": "even = true",
        "1000 kept, 1 % pass": f"n < {entries // 100}",
    }
    for kind, filter in kinds.items():
        took = []
        for _ in range(searches + 1):
            code = random.integers(0, 256, BITS // 8, dtype=np.uint8)
            vector = random.standard_normal(DIMENSION).astype(np.float32)
            start = time.perf_counter()
            await index.search("bench", IndexQuery(code, BITS, PACK, vector, filter=filter))
            took.append(time.perf_counter() - start)
        print(f"{name}: search, {kind}: {told(took[1:])}")
    took = []
    for _ in range(searches):
        start = time.perf_counter()
        await index.get_collection("bench")
        took.append(time.perf_counter() - start)
    print(f"{name}: version and counts: {told(took)}")
    await index.delete_collection("bench")


def told(seconds: Sequence[float]) -> str:
    return f"{1e3 * np.median(seconds):.1f} ms (p99 {1e3 * np.quantile(seconds, 0.99):.1f})"


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = IndexApp(Path(folder))
        await app.start()
        await measure("folder", app, chosen.entries, chosen.searches)
        await app.close()
    process = None if chosen.url else MilvusProcess()
    try:
        if process is not None:
            process.start()
            print(f"Milvus ticks every {TICK_MS} ms")
        for strong in (True, False):
            index = MilvusIndex(chosen.url or process.url, timeout_s=60, strong=strong)  # type: ignore[union-attr]
            await index.start()
            await measure(
                "Milvus, strong" if strong else "Milvus, session", index, chosen.entries, chosen.searches
            )
            await index.close()
    finally:
        if process is not None:
            process.close()


if __name__ == "__main__":
    asyncio.run(main())
