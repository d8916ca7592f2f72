"""Writes the audit log in a thread of its own; what comes in while the disk works is written together."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from scenograph.runtime.security.audit.file import AuditFile, Write
from scenograph.runtime.telemetry.metrics import UNREAD, Metrics
from scenograph.scene.errors import Unavailable

log = logging.getLogger(__name__)

Event = Mapping[str, Any]

BACKLOG = 10_000
"""Events that wait while the file cannot be written, before calls that would add more are refused."""
BATCH = 1000
SYNC_S = 1.0
"""What nobody waits for is written after so long, or when there are so many lines of it."""
_CANNOT = "the audit log cannot be written, so nothing is done that must be in it"


class AuditLog:
    """`close` it at the end. Methods may be called from any thread.

    Errors on making one: those of AuditFile.
    """

    def __init__(self, path: Path, metrics: Metrics = UNREAD, write: Write = os.write) -> None:
        self._file = AuditFile(path, write)
        self._metrics = metrics
        self._more = threading.Condition()
        self._waiting: list[tuple[Event, Future[None] | None]] = []
        self._waited_for = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def note(self, event: Event) -> None:
        """Records an event within about a second. Errors: Unavailable, where too many wait to be written."""
        self._put(event, None)

    def record(self, event: Event) -> Future[None]:
        """Records an event; the future is done when it is on disk. Its error: Unavailable."""
        done: Future[None] = Future()
        self._put(event, done)
        return done

    def close(self) -> None:
        """Writes what waits, and closes the file (blocking)."""
        with self._more:
            self._closing = True
            self._more.notify()
        self._thread.join()

    def _put(self, event: Event, done: Future[None] | None) -> None:
        with self._more:
            if self._closing or len(self._waiting) >= BACKLOG:
                raise Unavailable(_CANNOT)
            self._waiting.append((event, done))
            self._waited_for = self._waited_for or done is not None
            if self._pressing():
                self._more.notify()

    def _run(self) -> None:
        last = False
        while not last:
            with self._more:
                self._more.wait_for(self._pressing, SYNC_S)
                taken, self._waiting = self._waiting, []
                self._waited_for, last = False, self._closing
            waited_for = [done for _, done in taken if done is not None]
            try:
                self._file.append([event for event, _ in taken])
            except OSError as error:
                self._failed(error, waited_for)
                self._again([one for one in taken if one[1] is None])
                continue
            try:
                if taken:
                    self._file.sync()
            except OSError as error:
                self._failed(error, waited_for)
                continue
            self._metrics.audit_lines.inc(len(taken))
            for done in waited_for:
                done.set_result(None)
        self._file.close()

    def _pressing(self) -> bool:
        """Whether to write at once: otherwise waking for each line would cost more than the line."""
        return self._closing or self._waited_for or len(self._waiting) >= BATCH

    def _failed(self, error: OSError, waited_for: list[Future[None]]) -> None:
        log.error("the audit log cannot be written: %s", error)
        self._metrics.audit_failures.inc()
        for done in waited_for:
            done.set_exception(Unavailable(_CANNOT))

    def _again(self, events: list[tuple[Event, Future[None] | None]]) -> None:
        """Tries again, after a while, what nobody waits for."""
        with self._more:
            self._waiting = events + self._waiting
            self._more.wait_for(lambda: self._closing or self._waited_for, SYNC_S / 10)
