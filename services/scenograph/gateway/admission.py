"""Which calls are worked on: so many at a time, a few more that wait, the others refused at once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scenograph.gateway.deadlines import SMOOTHING
from scenograph.runtime import deadline
from scenograph.runtime.telemetry.metrics import UNREAD, Metrics
from scenograph.scene.errors import QueueFull

SEARCHES, RANKS = "searches", "ranks"
"""The queues' names in metrics. Each has its own: a rank takes as long as all of its candidates do."""
LEAST_RETRY_S = 0.05
HEADROOM = 0.75
"""Of the time left, what a call may be expected to take: one that gets late loses its last stage."""


class Admission:
    """Gives `at_once` calls a turn; `waiting` more wait for theirs, first come first served.

    A call is refused where the queue is full, or where, going by how long they took lately, it would
    wait for longer than `wait_s` or not be done well within its deadline. One that is cancelled, as at its
    deadline, leaves the queue. All calls come from one event loop.
    """

    def __init__(
        self,
        *,
        at_once: int = 4,
        waiting: int = 64,
        wait_s: float = 1.0,
        queue: str = SEARCHES,
        metrics: Metrics = UNREAD,
    ) -> None:
        self._name = queue
        self._at_once = at_once
        self._most_waiting = waiting
        self._wait_s = wait_s
        self._running = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._took_s = 0.0
        self._waits = metrics.queue_seconds.labels(queue)
        self._refusals = metrics.queue_refused.labels(queue)
        metrics.queue_rows.labels(queue).set_function(lambda: len(self._queue))

    @asynccontextmanager
    async def turn(self, *, again: bool = False) -> AsyncIterator[None]:
        """The work of one call. `again`: of one that had a turn before, which is not refused any more.

        Errors: QueueFull, with the time after which there should be room.
        """
        asked = time.monotonic()
        await self._enter(again)
        began = time.monotonic()
        self._waits.observe(began - asked)
        try:
            yield
        except BaseException:
            self._leave()
            raise
        took = time.monotonic() - began
        self._took_s += (SMOOTHING if self._took_s else 1.0) * (took - self._took_s)
        self._leave()

    async def _enter(self, again: bool) -> None:
        if self._running < self._at_once:  # nobody waits then
            self._running += 1
            return
        if not again:
            self._check()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # its turn came in the same moment
                self._leave()
            elif turn in self._queue:
                self._queue.remove(turn)
            raise

    def _check(self) -> None:
        expected_s = self._took_s * (len(self._queue) + 1) / self._at_once
        left = deadline.remaining()
        patience_s = self._wait_s if left is None else min(self._wait_s, left * HEADROOM - self._took_s)
        if len(self._queue) < self._most_waiting and expected_s <= patience_s:
            return
        self._refusals.inc()
        raise QueueFull(
            f"{self._running} {self._name} are being worked on and {len(self._queue)} wait",
            retry_after_s=max(LEAST_RETRY_S, expected_s),
        )

    def _leave(self) -> None:
        """The next turn is of whoever waits longest; a turn that is handed on is not free in between."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1
