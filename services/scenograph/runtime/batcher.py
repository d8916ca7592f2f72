"""Dynamic batching: rows of concurrent calls run through a model together.

Each call's trace gets a span of every run that took rows of it, from when it asked to when the run ended.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from scenograph.runtime.telemetry.metrics import UNREAD, Metrics
from scenograph.runtime.telemetry.spans import here
from scenograph.scene.errors import QueueFull

Row = TypeVar("Row")
Answer = TypeVar("Answer")


class _Call(Generic[Row, Answer]):
    """One caller's rows: those not yet taken into a run, and the answers so far."""

    def __init__(self, rows: Sequence[Row], done: asyncio.Future[list[Answer]]) -> None:
        self.rows = rows
        self.taken = 0
        self.missing = len(rows)
        self.answers: list[Answer | None] = [None] * len(rows)
        self.done = done
        self.since = time.monotonic()
        self.place = here()


class Batcher(Generic[Row, Answer]):
    """Collects rows and hands them to `run` in order, `max_rows` at a time and `parallel` runs at once.

    An idle model waits `wait_s` for companions unless a full batch is there; a busy one collects while it
    runs.
    A caller that is cancelled takes its waiting rows along. `run` is called in `executor`, never in the event
    loop; what it raises reaches every caller in that run. All calls come from one event loop. `name` is the
    queue's in `metrics` and traces.
    """

    def __init__(
        self,
        run: Callable[[list[Row]], Sequence[Answer]],
        executor: Executor,
        *,
        max_rows: int = 8,
        wait_s: float = 0.001,
        max_queue: int = 256,
        parallel: int = 1,
        name: str = "model",
        metrics: Metrics = UNREAD,
    ) -> None:
        self._run = run
        self._name = name
        self._waits = metrics.queue_seconds.labels(name)
        self._refusals = metrics.queue_refused.labels(name)
        self._queue_rows = metrics.queue_rows.labels(name)  # of all batchers of that name, one a pack
        self._executor = executor
        self._max_rows = max_rows
        self._wait_s = wait_s
        self._max_queue = max_queue
        self._parallel = parallel
        self._calls: deque[_Call[Row, Answer]] = deque()
        self._waiting = 0
        self._running = 0
        self._row_s = 0.0  # smoothed seconds a row, for the advice of when to come back
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Rows that no run has taken yet."""
        return self._waiting

    async def submit(self, rows: Sequence[Row]) -> list[Answer]:
        """The answers to `rows`, in order. Raises QueueFull where others' rows leave no room for them."""
        if not rows:
            return []
        if self._waiting and self._waiting + len(rows) > self._max_queue:
            self._refusals.inc()
            retry_after_s = max(0.01, self._row_s * self._waiting)
            raise QueueFull(f"{self._waiting} rows are waiting already", retry_after_s=retry_after_s)
        call = _Call(rows, asyncio.get_running_loop().create_future())
        self._calls.append(call)
        self._count(len(rows))
        self._dispatch()
        try:
            return await call.done
        finally:
            self._forget(call)

    def _count(self, rows: int) -> None:
        """Takes so many rows in, or out."""
        self._waiting += rows
        self._queue_rows.inc(rows)

    def _forget(self, call: _Call[Row, Answer]) -> None:
        """Drop the rows of a call that ended before they were taken."""
        left = len(call.rows) - call.taken
        if left:
            self._count(-left)
            call.taken = len(call.rows)
            self._calls.remove(call)

    def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        while self._calls and self._running < self._parallel:
            patience = self._calls[0].since + self._wait_s - time.monotonic()
            if patience > 0 and self._waiting < self._max_rows:
                if self._timer is None:
                    self._timer = loop.call_later(patience, self._on_timer)
                return
            task = loop.create_task(self._run_one(self._take()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _on_timer(self) -> None:
        self._timer = None
        self._dispatch()

    def _take(self) -> list[tuple[_Call[Row, Answer], int]]:
        """The next rows, each as its call and its place there."""
        places: list[tuple[_Call[Row, Answer], int]] = []
        while self._calls and len(places) < self._max_rows:
            call = self._calls[0]
            end = min(len(call.rows), call.taken + self._max_rows - len(places))
            places += [(call, place) for place in range(call.taken, end)]
            call.taken = end
            if end == len(call.rows):
                self._calls.popleft()
        self._count(-len(places))
        self._running += 1
        return places

    async def _run_one(self, places: list[tuple[_Call[Row, Answer], int]]) -> None:
        rows = [call.rows[place] for call, place in places]
        calls = Counter(call for call, _ in places)
        start = begun = time.monotonic()

        def run() -> Sequence[Answer]:
            nonlocal begun
            begun = time.monotonic()
            return self._run(rows)

        failure: Exception | None = None
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._executor, run)
        except Exception as error:
            failure = error
            for call in calls:
                if not call.done.done():
                    call.done.set_exception(error)
        else:
            self._row_s += 0.2 * ((time.monotonic() - start) / len(rows) - self._row_s)
            for (call, place), answer in zip(places, answers, strict=True):
                call.answers[place] = answer
                call.missing -= 1
                if not call.missing and not call.done.done():
                    call.done.set_result(call.answers)  # type: ignore[arg-type]  # every place is filled
        finally:
            self._running -= 1
            self._dispatch()
            self._tell(calls, begun, failure)

    def _tell(self, calls: Mapping[_Call[Row, Answer], int], begun: float, failure: Exception | None) -> None:
        """Measures a run that began at `begun`, with so many rows of each call."""
        now, total = time.monotonic(), sum(calls.values())
        for call, rows in calls.items():
            self._waits.observe(begun - call.since)
            if call.place is not None:
                attributes = {
                    "scenograph.batch.rows": total,
                    "scenograph.batch.own_rows": rows,
                    "scenograph.queue_ms": (begun - call.since) * 1e3,
                }
                call.place.add(f"run {self._name}", now - call.since, attributes, failure)
