"""Streams whose answers keep the order of their requests while several are worked on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import TypeVar

Request = TypeVar("Request")
Response = TypeVar("Response")


async def in_order(
    requests: AsyncIterable[Request], answer: Callable[[Request], Awaitable[Response]], in_flight: int
) -> AsyncIterator[Response]:
    """Answers in the order of the requests; at most `in_flight` are worked on or wait to be taken.

    Requests are read no faster than answers are taken. When the caller stops, all that runs is cancelled.
    """
    room = asyncio.Semaphore(in_flight)
    tasks: asyncio.Queue[asyncio.Task[Response] | None] = asyncio.Queue()
    running: set[asyncio.Task[Response]] = set()

    async def work(request: Request) -> Response:
        return await answer(request)

    async def read() -> None:
        try:
            async for request in requests:
                await room.acquire()
                task = asyncio.create_task(work(request))
                running.add(task)
                task.add_done_callback(running.discard)
                tasks.put_nowait(task)
        finally:
            tasks.put_nowait(None)

    reader = asyncio.create_task(read())
    try:
        while (task := await tasks.get()) is not None:
            response = await task
            yield response
            room.release()
        await reader
    finally:
        reader.cancel()
        left = [reader, *running]
        for unfinished in left:
            unfinished.cancel()
        await asyncio.gather(*left, return_exceptions=True)
