"""Writes the audit log in a thread of its own; what comes in while the disk works is written together."""

from __future__ import annotations

import logging
import os
import threading
import time
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
SYNC_S = 1.0
"""How long what nobody waits for may be written, but not on disk."""
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
            self._more.notify()

    def _run(self) -> None:
        unsynced_since: float | None = None
        last = False
        while not last:
            with self._more:
                if not self._waiting and not self._closing:
                    self._more.wait(SYNC_S)
                taken, self._waiting = self._waiting, []
                last = self._closing
            waited_for = [done for _, done in taken if done is not None]
            try:
                if taken:
                    self._file.append([event for event, _ in taken])
                    unsynced_since = unsynced_since or time.monotonic()
            except OSError as error:
                self._failed(error, waited_for)
                self._again([one for one in taken if one[1] is None])
                continue
            try:
                late = unsynced_since is not None and time.monotonic() - unsynced_since >= SYNC_S
                if waited_for or late or (last and unsynced_since is not None):
                    self._file.sync()
                    unsynced_since = None
            except OSError as error:
                self._failed(error, waited_for)
                continue
            self._metrics.audit_lines.inc(len(taken))
            for done in waited_for:
                done.set_result(None)
        self._file.close()

    def _failed(self, error: OSError, waited_for: list[Future[None]]) -> None:
        log.error("the audit log cannot be written: %s", error)
        self._metrics.audit_failures.inc()
        for done in waited_for:
            done.set_exception(Unavailable(_CANNOT))

    def _again(self, events: list[tuple[Event, Future[None] | None]]) -> None:
        """Tries again, after a while, what nobody waits for."""
        with self._more:
            self._waiting = events + self._waiting
            if not self._closing:
                self._more.wait(SYNC_S / 10)
