"""A circuit breaker: a service that fails again and again is left alone for a while.

Callers are then refused at once instead of waiting for their deadline, and the service can come back without
all of them at its door.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scenograph.runtime import deadline
from scenograph.runtime.telemetry.metrics import UNREAD, Metrics
from scenograph.scene.errors import DeadlineExceeded, ScenographError, Unavailable

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 30.0
HANGING_S = 0.5
"""A call that got less time than this, and did not end in it, says nothing of the service."""

NEARLY_S = 0.1
"""A call that is cancelled with less time left was not waited for any longer: its caller's clock is ahead."""


class Circuit:
    """Calls to one service. After `failures` in a row (0: never) it opens: calls are refused for `wait_s`.

    Then one call is let through. Where it succeeds all are again, else the wait is twice as long, up to
    `LONGEST_WAIT_S`. Failures are Unavailable, and a time that ran out after `HANGING_S` or more. All else
    that the service answers, errors of its own too, shows that it is there. For one event loop.
    """

    def __init__(
        self,
        service: str,
        address: str,
        *,
        failures: int = 5,
        wait_s: float = 1.0,
        metrics: Metrics = UNREAD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._about = f"the {service} service at {address}"
        self._limit = failures
        self._first_wait_s = wait_s
        self._clock = clock
        self._open = metrics.circuit_open.labels(service)
        self._refused = metrics.circuit_refused.labels(service)
        self._failures = 0
        self._wait_s = wait_s
        self._until: float | None = None  # None: closed
        self._trying = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Around one call; takes in how it ended.  Errors: Unavailable where the circuit is open."""
        trying = self._enter()
        began = self._clock()
        try:
            yield
        except Unavailable as error:
            self._failed(trying, str(error))
            raise
        except (DeadlineExceeded, asyncio.CancelledError) as error:
            left = deadline.remaining()
            out_of_time = isinstance(error, DeadlineExceeded) or (left is not None and left < NEARLY_S)
            if out_of_time and self._clock() - began >= HANGING_S:
                self._failed(trying, "no answer in time")
            raise
        except ScenographError:
            self._succeeded()
            raise
        else:
            self._succeeded()
        finally:
            if trying:
                self._trying = False

    def _enter(self) -> bool:
        """Whether the call is the one that tries an open circuit."""
        if self._until is None:
            return False
        left = self._until - self._clock()
        if left > 0 or self._trying:
            self._refused.inc()
            message = f"{self._about} failed {self._failures} times in a row and is left alone for now"
            raise Unavailable(message, retry_after_s=max(left, self._first_wait_s))
        self._trying = True
        return True

    def _succeeded(self) -> None:
        self._failures = 0
        if self._until is not None:
            log.info("%s is back", self._about)
            self._until, self._wait_s = None, self._first_wait_s
            self._open.set(0)

    def _failed(self, trying: bool, why: str) -> None:
        self._failures += 1
        if self._until is None:
            if not self._limit or self._failures < self._limit:
                return
            self._open.set(1)
        elif trying:
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        else:
            return  # it began before the circuit opened
        self._until = self._clock() + self._wait_s
        log.warning("%s failed: %s; not called for %.1f s", self._about, why, self._wait_s)
