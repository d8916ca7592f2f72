"""Ingest: items in, a status for each out, in the order of arrival, with a bounded number on the way."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from scenograph.gateway import limits
from scenograph.gateway.answers import Outcome
from scenograph.gateway.arrivals import Arrivals
from scenograph.gateway.collections import Collections
from scenograph.gateway.fields import counted
from scenograph.gateway.limits import Limits
from scenograph.gateway.requests import IngestItem, Item
from scenograph.gateway.validation import check_request_id, check_unique
from scenograph.gateway.writes import Ready, Writer


class Ingestor:
    """Takes items in.

    The models work on a few small batches at once; writes happen in order, a batch at a time.
    """

    def __init__(self, collections: Collections, writer: Writer, settings: Limits) -> None:
        self._collections = collections
        self._writer = writer
        self._batch = settings.ingest_batch
        self._in_flight = settings.ingest_batches_in_flight

    async def batch(self, collection: str, items: Sequence[Item], request_id: str) -> list[Outcome]:
        """One outcome for each item, in order.

        Raises DuplicateItem, CollectionNotFound or PackMismatch for the whole batch.
        """
        counted(len(items), most=limits.MAX_BATCH_ITEMS, what="items", field="items")
        check_unique(items)
        check_request_id(request_id)

        async def requests() -> AsyncIterator[IngestItem]:
            for item in items:
                yield IngestItem(collection, item, _request_id(request_id, item.id))

        async with aclosing(self.stream(requests())) as outcomes:
            return [replace(outcome, request_id=request_id) async for outcome in outcomes]

    async def stream(self, requests: AsyncIterator[IngestItem]) -> AsyncGenerator[Outcome, None]:
        """Outcomes in the order of arrival. An item's error never ends the stream.

        An empty collection means that of the item before. Only the first item's collection can fail the
        stream itself (CollectionNotFound, PackMismatch): nothing is taken in then.
        """
        arrivals = Arrivals(requests, self._batch)
        on_the_way: deque[asyncio.Task[list[Ready]]] = deque()
        try:
            first = await arrivals.first()
            if first is None:
                return
            await self._collections.open(first.collection)
            open_ended = True
            while open_ended or on_the_way:
                while open_ended and len(on_the_way) < self._in_flight and not (on_the_way and arrivals.idle):
                    if batch := await arrivals.next_batch():
                        on_the_way.append(asyncio.create_task(self._writer.ready(batch)))
                    else:
                        open_ended = False
                if on_the_way:
                    ready = await on_the_way[0]
                    on_the_way.popleft()
                    for outcome in await self._writer.write(ready):
                        yield outcome
        finally:
            await arrivals.close()
            for task in on_the_way:
                task.cancel()
            await asyncio.gather(*on_the_way, return_exceptions=True)


def _request_id(request_id: str, item_id: str) -> str:
    """The id of one item's write in a batch; a digest where the two together are too long."""
    if not request_id:
        return ""
    joined = f"{request_id}/{item_id}"
    if len(joined) <= limits.MAX_REQUEST_ID_CHARS:
        return joined
    return hashlib.sha256(joined.encode()).hexdigest()
