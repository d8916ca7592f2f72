"""Search latency and ingest rate through a real server, beside the same models in a bare loop, in one run.

    python -m tests.bench.bench_search --captions FILE.jsonl [--split dev] [--photos 1000] [--queries 500]

Prints a Markdown table. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.bench.bare import Bare, batches, rate_for
from scenograph.cli.captions import Captioned, read_captions
from scenograph.cli.evaluation_searches import run_all
from scenograph.cli.server_process import ServerProcess
from scenograph.client import AsyncClient, Client, Item
from scenograph.packs import open_pack

COLLECTION = "bench"
THREADS = 2  # the server's own number of workers
BARE_S = 5.0  # how long the bare loop runs for each figure
Row = tuple[str, str]


def latencies(work: Callable[[Any], object], parts: Sequence[Any]) -> NDArray[np.float64]:
    """Milliseconds of each part, one after another."""
    took = []
    for part in parts:
        began = time.perf_counter()
        work(part)
        took.append((time.perf_counter() - began) * 1e3)
    return np.array(took)


def spread(name: str, took: NDArray[np.float64]) -> list[Row]:
    p50, p99 = np.percentile(took, [50, 99])
    return [(f"{name}, p50", f"{p50:.1f} ms"), (f"{name}, p99", f"{p99:.1f} ms")]


def ingest(client: Client, photos: list[Captioned], *, texts: bool) -> float:
    """Photos a second, with their sentences or without."""
    name = f"{COLLECTION}-{'texts' if texts else 'photos'}"
    client.create_collection(name)
    items = [Item(photo.name, photo.path.read_bytes(), photo.captions if texts else ()) for photo in photos]
    began = time.perf_counter()
    assert all(status.ok for status in client.ingest(name, items))
    return len(items) / (time.perf_counter() - began)


def searches(client: Client, photos: list[Captioned], queries: int) -> list[Row]:
    """Sentences never seen before, the same again, photos, and explained hits; one at a time."""
    collection = f"{COLLECTION}-texts"
    sentences = [photo.captions[n % len(photo.captions)] for n, photo in enumerate(photos[:queries])]
    pictures = [photo.path.read_bytes() for photo in photos[: queries // 5]]
    client.search(collection, text="a first search wakes everything", explain=True)

    rows = spread("sentence, cold", latencies(lambda q: client.search(collection, text=q), sentences))
    rows += spread("sentence, cached", latencies(lambda q: client.search(collection, text=q), sentences))
    rows += spread(
        "sentence, ranking anew, explained",
        latencies(lambda q: client.search(collection, text=q, explain=True, bypass_cache=True), sentences),
    )
    rows += spread(
        "sentence, coarse stage alone",
        latencies(lambda q: client.search(collection, text=q, stage="coarse", bypass_cache=True), sentences),
    )
    rows += spread("photo, cold", latencies(lambda q: client.search(collection, image=q), pictures))
    rows += spread("photo, cached", latencies(lambda q: client.search(collection, image=q), pictures))
    return rows


async def throughput(address: str, photos: list[Captioned], queries: int, concurrency: int) -> float:
    """Searches a second for sentences never seen before."""
    async with AsyncClient(address) as client:

        async def look(sentence: str) -> list[str]:
            return [hit.id for hit in await client.search(f"{COLLECTION}-texts", text=sentence)]

        sentences = [f"{photo.captions[-1]} {concurrency}" for photo in photos[:queries]]
        fresh = [partial(look, sentence) for sentence in sentences]
        began = time.perf_counter()
        await run_all(fresh, concurrency, lambda: None)
        return len(fresh) / (time.perf_counter() - began)


def bare(photos: list[Captioned], queries: int) -> list[Row]:
    """The same models without a server, hashing with them."""
    loop = Bare(open_pack("default"))

    def image(files: Sequence[bytes]) -> None:
        loop.projections(loop.images(files))

    def text(sentences: Sequence[str]) -> None:
        loop.projections(loop.texts(sentences))

    pictures = batches([photo.path.read_bytes() for photo in photos], 1)
    texts = batches([caption for photo in photos for caption in photo.captions], 1)
    image(pictures[0])
    images = rate_for(image, pictures, THREADS, BARE_S)
    combined = 1 / (1 / images + 5 / rate_for(text, texts, THREADS, BARE_S))
    return [
        ("bare loop: photos (decode, detector, backbone, heads)", f"{images:.1f} / s"),
        ("bare loop: photos with five sentences each", f"{combined:.1f} / s"),
        *spread("bare loop: sentence", latencies(text, texts[:queries])),
        *spread("bare loop: photo", latencies(image, pictures[: queries // 5])),
    ]


def _machine() -> str:
    cpus = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", cpus.read_text()) if cpus.exists() else []
    return f"{os.cpu_count()} cores of {names[0] if names else platform.machine()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--split", default="dev")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=500)
    chosen = parser.parse_args()
    photos = list(read_captions(chosen.captions, chosen.split))[: chosen.photos]
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder)) as address:
        with Client(address, timeout=600) as client:
            pack = client.server_info().pack_version
            rows = [
                ("ingest: photos with five sentences each", f"{ingest(client, photos, texts=True):.1f} / s")
            ]
            rows.append(("ingest: photos alone", f"{ingest(client, photos[:200], texts=False):.1f} / s"))
            rows += searches(client, photos, chosen.queries)
        for concurrency in (1, 4, 16):
            each = asyncio.run(throughput(address, photos, chosen.queries, concurrency))
            rows.append((f"searches, cold, {concurrency} at a time", f"{each:.0f} / s"))
    rows += bare(photos[:200], chosen.queries)
    print(f"{_machine()}; {len(photos)} photos; pack `{pack}`\n")
    print("| measured | |\n|---|---|")
    print("\n".join(f"| {name} | {value} |" for name, value in rows))


if __name__ == "__main__":
    main()
