"""Dynamic batching: rows of concurrent calls run through a model together.

Each call's trace gets a span of every run that took rows of it, from when it asked to when the run ended.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, TypeVar

from scenograph.runtime.telemetry.metrics import UNREAD, Metrics
from scenograph.runtime.telemetry.spans import here
from scenograph.scene.errors import QueueFull

Row = TypeVar("Row")
Answer = TypeVar("Answer")

LOOKAHEAD = 128
"""Rows at the queue's head among which a run looks for those of like size."""


class _Call(Generic[Row, Answer]):
    """One caller's rows: how many no run has taken yet, and the answers so far."""

    def __init__(self, rows: Sequence[Row], done: asyncio.Future[list[Answer]]) -> None:
        self.rows = rows
        self.waiting = self.missing = len(rows)
        self.answers: list[Answer | None] = [None] * len(rows)
        self.done = done
        self.since = time.monotonic()
        self.place = here()


@dataclass(frozen=True, slots=True, eq=False)
class _Place(Generic[Row, Answer]):
    """A row that waits: the `number`-th of its call."""

    call: _Call[Row, Answer]
    number: int
    size: int


class Batcher(Generic[Row, Answer]):
    """Collects rows and hands them to `run`, oldest first, `max_rows` at a time and `parallel` runs at once.

    Rows that come within one turn of the event loop go together. An idle model waits `wait_s` for more unless
    a full batch is there; a busy one collects while it runs. Where a run pads its rows to the largest, `size`
    tells theirs: the oldest row then goes with those most like it, so that little is padded.
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
        size: Callable[[Row], int] = lambda row: 0,
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
        self._size = size
        self._places: list[_Place[Row, Answer]] = []
        self._running = 0
        self._row_s = 0.0  # smoothed seconds a row, for the advice of when to come back
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Rows that no run has taken yet."""
        return len(self._places)

    async def submit(self, rows: Sequence[Row]) -> list[Answer]:
        """The answers to `rows`, in order. Raises QueueFull where others' rows leave no room for them."""
        if not rows:
            return []
        if self._places and self.waiting + len(rows) > self._max_queue:
            self._refusals.inc()
            retry_after_s = max(0.01, self._row_s * self.waiting)
            raise QueueFull(f"{self.waiting} rows are waiting already", retry_after_s=retry_after_s)
        call = _Call[Row, Answer](rows, asyncio.get_running_loop().create_future())
        self._places += [_Place(call, number, self._size(row)) for number, row in enumerate(rows)]
        self._queue_rows.inc(len(rows))
        if self.waiting < self._max_rows:
            self._dispatch_after(0)
        else:
            self._dispatch()
        try:
            return await call.done
        finally:
            if call.waiting:  # it ended before they were taken
                self._queue_rows.dec(call.waiting)
                self._places = [place for place in self._places if place.call is not call]

    def _dispatch_after(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._dispatch()

    def _dispatch(self) -> None:
        """Starts what can run now."""
        loop = asyncio.get_running_loop()
        while self._places and self._running < self._parallel:
            patience = self._places[0].call.since + self._wait_s - time.monotonic()
            if patience > 0 and self.waiting < self._max_rows:
                self._dispatch_after(patience)
                return
            task = loop.create_task(self._run_one(self._take()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _take(self) -> list[_Place[Row, Answer]]:
        """The rows of the next run, in order of age."""
        oldest, near = self._places[0].size, self._places[: max(LOOKAHEAD, self._max_rows)]
        chosen = heapq.nsmallest(
            self._max_rows, range(len(near)), key=lambda at: (abs(near[at].size - oldest), at)
        )
        taken = [near[at] for at in sorted(chosen)]
        for at in sorted(chosen, reverse=True):
            del self._places[at]
        for place in taken:
            place.call.waiting -= 1
        self._queue_rows.dec(len(taken))
        self._running += 1
        return taken

    async def _run_one(self, places: list[_Place[Row, Answer]]) -> None:
        rows = [place.call.rows[place.number] for place in places]
        calls = Counter(place.call for place in places)
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
            for place, answer in zip(places, answers, strict=True):
                call = place.call
                call.answers[place.number] = answer
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
