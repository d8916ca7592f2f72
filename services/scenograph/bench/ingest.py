"""Items a second through the gateway's ingest stream."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from scenograph.bench.sentences import sentences
from scenograph.client import Client, Item
from scenograph.scene.errors import Unavailable

COLLECTION = "scenograph-bench"


@dataclass(frozen=True, slots=True)
class Ingesting:
    """Items of one kind: how many, and how many a second."""

    kind: str
    items: int
    rate: float


def measure(address: str, pictures: Sequence[bytes], *, texts: int) -> list[Ingesting]:
    """Pictures alone, pictures with five sentences each, and `texts` items of one sentence.

    The collection is removed again.  Errors: Unavailable (an item failed).
    """
    said = sentences(5 * len(pictures) + texts)
    kinds = {
        "pictures": [Item(f"p{n}", picture) for n, picture in enumerate(pictures)],
        "pictures with five sentences": [
            Item(f"s{n}", picture, said[5 * n : 5 * n + 5]) for n, picture in enumerate(pictures)
        ],
        "sentences": [Item(f"t{n}", None, [text]) for n, text in enumerate(said[5 * len(pictures) :])],
    }
    return [_ingested(address, kind, items) for kind, items in kinds.items() if items]


def _ingested(address: str, kind: str, items: Sequence[Item]) -> Ingesting:
    with Client(address, timeout=600) as client:
        client.create_collection(COLLECTION)
        try:
            began = time.perf_counter()
            failed = [status for status in client.ingest(COLLECTION, items) if not status.ok]
            seconds = time.perf_counter() - began
        finally:
            client.delete_collection(COLLECTION)
    if failed:
        raise Unavailable(f"{len(failed)} items were not stored, the first: {failed[0].error}")
    return Ingesting(kind, len(items), len(items) / seconds)
