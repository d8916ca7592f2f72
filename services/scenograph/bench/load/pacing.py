"""When a process makes its calls: as they are due, or as its callers come free."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from itertools import count, islice

from scenograph.bench.load.calling import Calls
from scenograph.bench.load.config import LoadConfig
from scenograph.bench.load.schedule import due_times

Work = tuple[int, int | None]
"""A call's number, and when it is due in nanoseconds of the monotonic clock; None: as soon as it can be."""


class Pace:
    """Process `place` of `of`: makes every `of`-th of a config's calls, from call `place` on.

    Without a rate its callers call again when they were answered. With a rate calls are due at set times:
    sent then, whatever became of those before, where the config says `async`; else by the first caller that
    is free.
    """

    def __init__(self, config: LoadConfig, place: int, of: int, calls: Calls, start_ns: int) -> None:
        self._config, self._place, self._of = config, place, of
        self._calls, self._start_ns = calls, start_ns
        self._over = False
        self._wanted = 0
        self._queue: asyncio.Queue[Work | None] = asyncio.Queue()
        self._steering: list[asyncio.Task[None]] = []
        rates = config.rates()
        self._work: Iterator[Work] = (
            ((number, None) for number in self._numbers())
            if rates is None
            else zip(self._numbers(), self._times(due_times(rates)), strict=False)
        )
        self._paced = rates is not None

    async def run(self) -> None:
        """Make the calls. Cancelled, it cuts short those that are under way."""
        async with asyncio.TaskGroup() as group:
            if self._paced:
                self._steering.append(group.create_task(self._feed(group)))
            if not (self._paced and self._config.is_async):
                self._steering.append(group.create_task(self._keep_callers(group)))

    def stop(self) -> None:
        """Make no new calls. What was due by now and not sent is counted."""
        if self._over:
            return
        now_ns = time.monotonic_ns()
        while not self._queue.empty():
            self._calls.tally.unsent += self._queue.get_nowait() is not None
        if self._paced:
            for _, due_ns in self._work:
                if due_ns is None or due_ns > now_ns:
                    break
                self._calls.tally.unsent += 1
        self._finish()

    def _finish(self) -> None:
        self._over = True
        self._queue.put_nowait(None)
        for task in self._steering:
            task.cancel()

    async def _feed(self, group: asyncio.TaskGroup) -> None:
        for number, due_ns in self._work:
            await _sleep_until(due_ns)
            if self._config.is_async:
                group.create_task(self._calls.make(number, f"g{self._place}", due_ns))
            else:
                self._queue.put_nowait((number, due_ns))
        self._queue.put_nowait(None)

    async def _keep_callers(self, group: asyncio.TaskGroup) -> None:
        """As many callers as there should be at each time."""
        callers: dict[int, asyncio.Task[None]] = {}
        for at_s, level in self._config.callers().changes():
            await _sleep_until(self._start_ns + round(at_s * 1e9))
            self._wanted = max(1, (round(level) + self._of - 1 - self._place) // self._of)
            for place in range(self._wanted):
                if place not in callers or callers[place].done():
                    callers[place] = group.create_task(self._caller(place))

    async def _caller(self, place: int) -> None:
        while place < self._wanted and not self._over:
            work = await self._queue.get() if self._paced else next(self._work, None)
            if work is None:
                if not self._over:
                    self._finish()
                else:
                    self._queue.put_nowait(None)  # for the next caller
                return
            number, due_ns = work
            await self._calls.make(number, f"g{self._place}c{place}", due_ns)

    def _numbers(self) -> Iterable[int]:
        if self._config.seconds("duration"):
            return count(self._place, self._of)
        return range(self._place, self._config.total, self._of)

    def _times(self, all_s: Iterator[float]) -> Iterator[int]:
        return (self._start_ns + round(at_s * 1e9) for at_s in islice(all_s, self._place, None, self._of))


async def _sleep_until(at_ns: int | None) -> None:
    """Return at a time of the monotonic clock, and let others run in any case."""
    wait_ns = 0 if at_ns is None else at_ns - time.monotonic_ns()
    await asyncio.sleep(max(0.0, wait_ns / 1e9))
