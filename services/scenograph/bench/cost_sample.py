"""What one item and one search cost with a pack's models, measured on a server of its own."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from scenograph.bench.cost_process import Memory, cpu_seconds, memory
from scenograph.bench.sentences import fresh_sentences
from scenograph.client import Client, Item
from scenograph.scene.errors import Unavailable

PHOTOS, SENTENCES = "cost-photos", "cost-sentences"

Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Sample:
    """Processor seconds of the server to store a photo and a sentence and for a search whose query is new,
    with an index too small to count; milliseconds of the clock of such a search.

    Bytes: of the file of a photo, of the graph of a photo and of a sentence. `server`: its memory with
    all models loaded, at the end.
    """

    items: int
    searches: int
    pack: str
    embedding_size: int
    photo_cpu_s: float
    sentence_cpu_s: float
    search_cpu_s: float
    search_p50_ms: float
    image_bytes: float
    photo_graph_bytes: float
    sentence_graph_bytes: float
    server: Memory


def measure(
    address: str,
    process: int,
    data: Path,
    pictures: Sequence[bytes],
    *,
    items: int,
    searches: int,
    tell: Tell,
) -> Sample:
    """Stores so many photos (some again, where there are fewer) and as many sentences, and searches them.

    `process` and `data` are the server's.  Errors: Unavailable (an item was not stored).
    """
    said = fresh_sentences()
    photos = list(islice(cycle(pictures), items))
    with Client(address, timeout=600) as client:
        info = client.server_info()
        client.create_collection(PHOTOS)
        client.create_collection(SENTENCES)
        _store(client, PHOTOS, [Item("warm", photos[0])])
        _store(client, SENTENCES, [Item("warm", None, [next(said)])])
        tell("photos stored")
        began = cpu_seconds([process])
        _store(client, PHOTOS, [Item(f"p{n}", photo) for n, photo in enumerate(photos)])
        photo_s = (cpu_seconds([process]) - began) / items
        tell("sentences stored")
        began = cpu_seconds([process])
        _store(client, SENTENCES, [Item(f"t{n}", None, [next(said)]) for n in range(items)])
        sentence_s = (cpu_seconds([process]) - began) / items
        tell("searched")
        took = []
        began = cpu_seconds([process])
        for text in islice(said, searches):
            clock = time.perf_counter()
            client.search(PHOTOS, text=text)
            took.append(1e3 * (time.perf_counter() - clock))
        search_s = (cpu_seconds([process]) - began) / searches
    return Sample(
        items=items,
        searches=searches,
        pack=info.pack_version,
        embedding_size=info.embedding_size,
        photo_cpu_s=photo_s,
        sentence_cpu_s=sentence_s,
        search_cpu_s=search_s,
        search_p50_ms=sorted(took)[len(took) // 2],
        image_bytes=sum(map(len, photos)) / items,
        photo_graph_bytes=_graph_bytes(data, PHOTOS),
        sentence_graph_bytes=_graph_bytes(data, SENTENCES),
        server=memory(str(process)),
    )


def _store(client: Client, collection: str, items: Sequence[Item]) -> None:
    failed = [status for status in client.ingest(collection, items) if not status.ok]
    if failed:
        raise Unavailable(f"{len(failed)} items were not stored, the first: {failed[0].error}")


def _graph_bytes(data: Path, collection: str) -> float:
    """The mean of the collection's graphs, read from the records of a running server."""
    (records,) = data.glob(f"**/collections/{collection}/*.sqlite")
    with closing(sqlite3.connect(f"file:{records}?mode=ro", uri=True)) as connection:
        (mean,) = connection.execute("SELECT avg(length(graph)) FROM graphs").fetchone()
    return float(mean or 0)
