"""Equal calls at the same time are computed once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from scenograph.runtime import deadline
from scenograph.scene.errors import DeadlineExceeded

T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    waiters: int = 0


class SingleFlight(Generic[T]):
    """Callers of one key share a computation, which goes on while any of them waits for it."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}

    async def run(self, key: str, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of `make`, or its error.

        Where the first caller's deadline ended it, one with time left starts anew.
        """
        while True:
            flight = self._flights.get(key)
            joined = flight is not None
            if flight is None:
                flight = self._start(key, make)
            try:
                return await self._wait(key, flight)
            except DeadlineExceeded:
                if not joined or deadline.remaining() == 0.0:
                    raise

    def _start(self, key: str, make: Callable[[], Coroutine[Any, Any, T]]) -> _Flight[T]:
        flight = _Flight(asyncio.create_task(make()))
        self._flights[key] = flight

        def landed(task: asyncio.Task[T]) -> None:
            self._forget(key, flight)
            if not task.cancelled():
                task.exception()  # seen, even where nobody waits any more

        flight.task.add_done_callback(landed)
        return flight

    async def _wait(self, key: str, flight: _Flight[T]) -> T:
        flight.waiters += 1
        try:
            return await _shielded(flight.task)
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 and not flight.task.done():
                self._forget(key, flight)
                flight.task.cancel()

    def _forget(self, key: str, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


async def _shielded(task: Awaitable[T]) -> T:
    return await asyncio.shield(task)
