"""The collection that benchmarks of searches ask: pictures, each with a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

from scenograph.bench.sentences import sentences
from scenograph.client import Client, Item
from scenograph.scene.errors import Unavailable

COLLECTION = "scenograph-bench-search"
PAGE_SIZE = 10


def fill(address: str, pictures: Sequence[bytes], items: int) -> None:
    """Makes the collection, of so many items; pictures come again where there are fewer.

    Errors: Unavailable (an item was not stored), AlreadyExists.
    """
    shown = islice(cycle(pictures), items)
    said = sentences(items)
    with Client(address, timeout=600) as client:
        client.create_collection(COLLECTION)
        stored = client.ingest(
            COLLECTION,
            [
                Item(f"i{n}", picture, [text])
                for n, (picture, text) in enumerate(zip(shown, said, strict=True))
            ],
        )
        failed = [status for status in stored if not status.ok]
    if failed:
        raise Unavailable(f"{len(failed)} items were not stored, the first: {failed[0].error}")


def search_data(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Requests of searches for these sentences, as a load's config has them."""
    return [
        {"collection": COLLECTION, "query": {"parts": [{"text": text}]}, "page_size": PAGE_SIZE}
        for text in texts
    ]
