"""How much each principal may use up: calls in a time, and calls at the same time, in this process."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from scenograph.runtime.security.principals import Quota
from scenograph.scene.errors import QuotaExceeded

KEPT = 10_000
"""Principals whose use is remembered; the least recent are forgotten first."""
_BUSY_RETRY_S = 1.0


@dataclass(slots=True)
class _Use:
    tokens: float
    at: float
    running: int = 0


class Quotas:
    """A token bucket and a count of running calls for each name. For one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    def begin(self, name: str, quota: Quota) -> None:
        """Takes in a call; whoever made it calls `end` after.

        Errors: QuotaExceeded, with the time after which one more may be made.
        """
        now, most = self._clock(), float(quota.burst or max(1, math.ceil(quota.calls_per_s)))
        use = self._uses.get(name)
        if use is None:
            use = self._uses[name] = _Use(most, now)
            self._forget()
        self._uses.move_to_end(name)
        if quota.concurrent and use.running >= quota.concurrent:
            raise QuotaExceeded(
                f"{quota.concurrent} calls at the same time are allowed", retry_after_s=_BUSY_RETRY_S
            )
        if quota.calls_per_s:
            use.tokens = min(most, use.tokens + (now - use.at) * quota.calls_per_s)
            use.at = now
            if use.tokens < 1:
                raise QuotaExceeded(
                    f"{quota.calls_per_s:g} calls a second are allowed",
                    retry_after_s=(1 - use.tokens) / quota.calls_per_s,
                )
            use.tokens -= 1
        use.running += 1

    def end(self, name: str) -> None:
        """A call that began has ended."""
        self._uses[name].running -= 1

    def _forget(self) -> None:
        while len(self._uses) > KEPT:
            name, use = next(iter(self._uses.items()))
            if use.running:
                return
            del self._uses[name]
