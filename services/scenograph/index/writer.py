"""One thread that does a collection's writes, several calls in one commit where several wait."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

from scenograph.scene.errors import ResourceExhausted

log = logging.getLogger(__name__)

R = TypeVar("R")

GROUP_WRITES = 4096
IDLE_S = 0.2


class StoreClosed(Exception):
    """The store was closed or replaced while the call was on its way; ask for the collection anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Job(Generic[R]):
    """A call's writes: `work` does them, `weight` is their number, `result` gets the answer once they are
    durable.
    """

    work: Any
    weight: int
    result: Future[R] = field(default_factory=Future)


def ended(*_: object) -> None:
    """In the place of callbacks that nobody will call: what they belong to, files among it, need not wait for
    the garbage collector.
    """


class Writer:
    """Takes jobs in order. `commit(jobs)` settles every job's future; `idle()` runs when nothing has come
    for a moment.
    """

    def __init__(
        self, name: str, commit: Callable[[list[Job[Any]]], None], idle: Callable[[], None], pending: int
    ) -> None:
        self._commit = commit
        self._idle = idle
        self._limit = pending
        self._pending = 0
        self._closed = False
        self._lock = Lock()
        self._queue: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=f"index-writer-{name}", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[..., Any], weight: int) -> Future[Any]:
        """Queues a job. Errors: StoreClosed, ResourceExhausted where too many writes wait already."""
        job: Job[Any] = Job(work, weight)
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._pending and self._pending + weight > self._limit:
                raise ResourceExhausted(f"{self._pending} writes wait already", retry_after_s=0.5)
            self._pending += weight
            self._queue.put(job)
        return job.result

    def close(self) -> None:
        """Does what is queued, takes nothing more, and ends the thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()
        self._commit = self._idle = ended

    def _run(self) -> None:
        quiet, ended = False, False
        while not ended:
            try:
                first = self._queue.get(timeout=None if quiet else IDLE_S)
            except Empty:
                quiet = True
                self._idle()
                continue
            jobs, ended = self._gather(first)
            ready = [job for job in jobs if job.result.set_running_or_notify_cancel()]
            if ready:
                self._do(ready)
            quiet = False
            with self._lock:
                self._pending -= sum(job.weight for job in jobs)
        self._idle()

    def _do(self, jobs: list[Job[Any]]) -> None:
        """The thread outlives whatever goes wrong: a job that was not settled gets the error."""
        try:
            self._commit(jobs)
        except Exception as error:
            log.exception("a commit failed")
            for job in jobs:
                if not job.result.done():
                    job.result.set_exception(error)

    def _gather(self, first: Job[Any] | None) -> tuple[list[Job[Any]], bool]:
        """`first` and what waits behind it, up to a group's size; True where the end was met."""
        jobs: list[Job[Any]] = []
        job = first
        while job is not None:
            jobs.append(job)
            if sum(each.weight for each in jobs) >= GROUP_WRITES or self._queue.empty():
                return jobs, False
            job = self._queue.get()
        return jobs, True
