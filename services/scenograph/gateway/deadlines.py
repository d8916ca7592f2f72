"""How a call's time is spent: what each stage took, will take, and how much of the rest it may use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from scenograph.runtime import deadline
from scenograph.runtime.contracts import Timings
from scenograph.runtime.telemetry.spans import span
from scenograph.scene.errors import DeadlineExceeded

SMOOTHING = 0.2  # weight of the newest observation in a moving average
FORGIVENESS = (
    0.9  # what a skipped stage's estimate shrinks by, so that one slow moment does not skip it for ever
)
PAGE_RESERVE_S = 0.05  # kept back for making the page, where there is as much
PARSE_SHARE = 0.5  # of the time left, that a sentence's parse may use before the search goes on without it


class StageTimes:
    """Wall clock of one call's stages in milliseconds."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._spent: Timings = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Adds the time spent in the block to the stage, and to the call's trace a span of its name."""
        start = time.perf_counter()
        try:
            with span(stage):
                yield
        finally:
            self._spent[stage] = self._spent.get(stage, 0.0) + (time.perf_counter() - start) * 1000

    def inside(self, stage: str, parts: Mapping[str, float]) -> None:
        """Adds what a service said of its own stages, as "visual.queue"; the totals are measured here
        already.
        """
        for part, spent in parts.items():
            if part not in ("total", stage):
                name = f"{stage}.{part}"
                self._spent[name] = self._spent.get(name, 0.0) + spent

    def so_far(self) -> Timings:
        """The stages' times and the total until now."""
        return {**self._spent, "total": (time.perf_counter() - self._start) * 1000}


class Estimates:
    """Moving averages of past stage times in seconds, per unit of work; 0 for a stage not seen yet."""

    def __init__(self) -> None:
        self._per_unit: dict[str, float] = {}

    def observe(self, stage: str, seconds: float, units: int = 1) -> None:
        """Takes in a stage that took `seconds` for `units` of work."""
        new = seconds / max(1, units)
        old = self._per_unit.get(stage, new)
        self._per_unit[stage] = old + SMOOTHING * (new - old)

    def exceeded(self, stage: str, seconds: float, units: int = 1) -> None:
        """Takes in a stage that was cut short after `seconds`: it takes longer than that."""
        self._per_unit[stage] = max(self._per_unit.get(stage, 0.0), seconds / max(1, units))

    def expected(self, stage: str, units: int = 1) -> float:
        """Seconds that the stage will take for `units` of work."""
        return self._per_unit.get(stage, 0.0) * units

    def forgive(self, stage: str) -> None:
        """Takes note that the stage was skipped on the ground of its estimate."""
        self._per_unit[stage] = self._per_unit.get(stage, 0.0) * FORGIVENESS


def graph_budget(estimates: Estimates) -> float | None:
    """Seconds that the graph stage may use: what is left less what the page will need. None: no limit."""
    left = deadline.remaining()
    if left is None:
        return None
    reserve = max(PAGE_RESERVE_S, 2 * estimates.expected("page"))
    return max(0.0, left - min(reserve, left / 2))


def parse_budget() -> float | None:
    """Seconds that a sentence's parse may use. None: no limit."""
    left = deadline.remaining()
    return None if left is None else left * PARSE_SHARE


@asynccontextmanager
async def time_box(seconds: float | None, what: str) -> AsyncIterator[None]:
    """Raises DeadlineExceeded, and cancels the block's work, when it is not done in time."""
    if seconds is None:
        yield
        return
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            with deadline.within(seconds):
                yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise DeadlineExceeded(f"{what} was not done within {seconds * 1000:.0f} ms") from error
