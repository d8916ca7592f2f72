"""Alarms: somebody reads a collection out, calls far more than usual, or tries credentials.

Each is raised once in its window, and again in a later one if it goes on.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from scenograph.runtime.settings import AnomalySettings

KEPT = 10_000
"""Names that are watched at the same time; those that were quiet for longest are forgotten."""
USUAL_WEIGHT = 0.1
"""How much the last minute counts in what is usual: it takes some ten minutes to get used to a change."""
MINUTE_S = 60.0
_IN_ALL = ""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """`kind` as metrics name it, `who`: a principal or a peer's address; empty: everybody together."""

    kind: str
    who: str
    count: int
    what: str


@dataclass(slots=True)
class _Window:
    """What was counted since `start`, and what is usual in such a time."""

    start: float
    count: int = 0
    usual: float = 0.0
    told: bool = False

    def add(self, amount: int, now: float, seconds: float) -> int:
        """Counts; what there is in this window now."""
        passed = int((now - self.start) / seconds)
        if passed > 0:
            self.usual += USUAL_WEIGHT * (self.count - self.usual)
            self.usual *= (1 - USUAL_WEIGHT) ** (passed - 1)  # those without a call
            self.start += passed * seconds
            self.count, self.told = 0, False
        self.count += amount
        return self.count


class Anomalies:
    """Counts, and hands what is out of the ordinary to `tell`. For one event loop."""

    def __init__(
        self,
        settings: AnomalySettings,
        tell: Callable[[Anomaly], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._clock = clock
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()

    def read(self, principal: str, items: int) -> None:
        """A principal was given so many items."""
        bound, seconds = self._settings.read_items, self._settings.read_window_s
        window = self._count("bulk_export", principal, items, seconds)
        if bound and window.count >= bound:
            self._raise(window, "bulk_export", principal, f"items read in {seconds:g} s")

    def called(self, principal: str) -> None:
        """A principal made a call."""
        bound, factor = self._settings.burst_calls, self._settings.burst_factor
        window = self._count("query_burst", principal, 1, MINUTE_S)
        if bound and window.count >= max(bound, factor * window.usual):
            what = f"calls in a minute; usual are {window.usual:.0f}"
            self._raise(window, "query_burst", principal, what)

    def login_failed(self, peer: str) -> None:
        """A peer had credentials that were refused, or none."""
        seconds = self._settings.failed_window_s
        what = f"calls with wrong credentials or none in {seconds:g} s"
        for kind, who, bound in (
            ("failed_logins", peer, self._settings.failed_logins),
            ("failed_logins_in_all", _IN_ALL, self._settings.failed_logins_in_all),
        ):
            window = self._count(kind, who, 1, seconds)
            if bound and window.count >= bound:
                self._raise(window, kind, who, what)

    def forged(self, name: str) -> None:
        """Somebody who is no service said for whom they call."""
        what = "call in another's name, by somebody who is no service"
        self._tell(Anomaly("forged_principal", name, 1, what))

    def _count(self, kind: str, who: str, amount: int, seconds: float) -> _Window:
        now = self._clock()
        window = self._windows.setdefault((kind, who), _Window(now))
        self._windows.move_to_end((kind, who))
        window.add(amount, now, seconds)
        if len(self._windows) > KEPT:
            self._windows.popitem(last=False)
        return window

    def _raise(self, window: _Window, kind: str, who: str, what: str) -> None:
        if not window.told:
            window.told = True
            self._tell(Anomaly(kind, who, window.count, what))
