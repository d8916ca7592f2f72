"""Cutting an ingest stream into batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from scenograph.gateway.arrivals import Arrivals
from scenograph.gateway.limits import MIB
from scenograph.gateway.requests import ImageSource, IngestItem, Item


async def stream(items: Iterable[IngestItem]) -> AsyncIterator[IngestItem]:
    for item in items:
        yield item


def item(name: str, collection: str = "", size: int = 0) -> IngestItem:
    image = ImageSource(bytes(size)) if size else None
    return IngestItem(collection, Item(name, image, texts=("x",)))


async def cut(items: Iterable[IngestItem], size: int = 4) -> list[list[str]]:
    arrivals = Arrivals(stream(items), size)
    batches = []
    first = await arrivals.first()
    assert first is not None
    while batch := await arrivals.next_batch():
        assert {one.collection for one in batch} == {batch[0].collection}
        batches.append([f"{one.collection}/{one.item.id}" for one in batch])
        await asyncio.sleep(0.001)
    await arrivals.close()
    return batches


async def test_batches_keep_the_order_and_the_size() -> None:
    batches = await cut([item(str(i), "c" if i == 0 else "") for i in range(10)])
    assert [name for batch in batches for name in batch] == [f"c/{i}" for i in range(10)]
    assert max(map(len, batches)) <= 4
    assert len(batches) < 10


async def test_a_batch_ends_where_the_collection_changes_or_an_id_comes_again() -> None:
    batches = await cut([item("a", "c"), item("b"), item("a"), item("b", "d"), item("c")], 8)
    assert batches == [["c/a", "c/b"], ["c/a"], ["d/b", "d/c"]]


async def test_a_batch_ends_where_it_grows_heavy() -> None:
    batches = await cut([item(str(i), "c", 9 * MIB) for i in range(3)], 8)
    assert [len(batch) for batch in batches] == [2, 1]


async def test_an_empty_stream_has_no_first_item() -> None:
    arrivals = Arrivals(stream([]), 4)
    assert await arrivals.first() is None
    await arrivals.close()


async def test_what_the_stream_raises_is_raised_after_what_came_before() -> None:
    async def broken() -> AsyncIterator[IngestItem]:
        yield item("a", "c")
        raise ConnectionError

    arrivals = Arrivals(broken(), 4)
    assert await arrivals.first() is not None
    with pytest.raises(ConnectionError):
        while await arrivals.next_batch():
            pass
    await arrivals.close()


async def test_reading_ahead_is_bounded() -> None:
    read = 0

    async def endless() -> AsyncIterator[IngestItem]:
        nonlocal read
        while True:
            read += 1
            yield item(str(read), "c")

    arrivals = Arrivals(endless(), 4)
    await arrivals.first()
    await asyncio.sleep(0.01)
    assert read <= 6
    await arrivals.close()
