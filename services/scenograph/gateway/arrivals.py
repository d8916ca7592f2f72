"""The receiving end of an ingest stream: reads ahead a little, and cuts what has arrived into batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from scenograph.gateway.limits import MIB
from scenograph.gateway.requests import IngestItem

BATCH_BYTES = 16 * MIB  # a batch is closed when its images have as many bytes


@dataclass(frozen=True, slots=True)
class _End:
    """The stream has ended, with an error or without."""

    error: Exception | None


class Arrivals:
    """Reads ahead of the models by at most a batch of `size` items; never waits to fill a batch."""

    def __init__(self, requests: AsyncIterator[IngestItem], size: int) -> None:
        self._size = size
        self._queue: asyncio.Queue[IngestItem | _End] = asyncio.Queue(size)
        self._held: IngestItem | None = None
        self._ended = False
        self._reader = asyncio.create_task(self._read(requests))

    @property
    def idle(self) -> bool:
        """Whether the next batch would have to be waited for."""
        return self._held is None and self._queue.empty() and not self._ended

    async def first(self) -> IngestItem | None:
        """The first item, which stays the first of the first batch; None for an empty stream."""
        self._held = await self._next()
        return self._held

    async def next_batch(self) -> list[IngestItem]:
        """Up to `size` items that have arrived, of one collection, no id twice. Empty at the end.

        Raises what the stream raised.
        """
        first = await self._next()
        if first is None:
            return []
        batch, ids, weight = [first], {first.item.id}, _bytes(first)
        while len(batch) < self._size and weight < BATCH_BYTES and not self._queue.empty():
            item = await self._next()
            if item is None:
                break
            if item.collection != first.collection or item.item.id in ids:
                self._held = item
                break
            batch.append(item)
            ids.add(item.item.id)
            weight += _bytes(item)
        return batch

    async def close(self) -> None:
        """Stops reading."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _next(self) -> IngestItem | None:
        if self._held is not None:
            held, self._held = self._held, None
            return held
        if self._ended:
            return None
        arrival = await self._queue.get()
        if isinstance(arrival, IngestItem):
            return arrival
        self._ended = True
        if arrival.error is not None:
            raise arrival.error
        return None

    async def _read(self, requests: AsyncIterator[IngestItem]) -> None:
        collection, error = "", None
        try:
            async for request in requests:
                collection = request.collection or collection
                await self._queue.put(replace(request, collection=collection))
        except Exception as failure:
            error = failure
        await self._queue.put(_End(error))


def _bytes(request: IngestItem) -> int:
    return len(request.item.image.content) if request.item.image is not None else 0
