"""What changes over time: how many requests a second are due, or how many callers there are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Steps:
    """A level that begins at `start` and changes by `step` every `every_s` seconds; step 0: it does not.

    It stays at `end`, where one is given. After `until_s`, where that is given, it is at `end`, else stays
    where it is.
    """

    start: float
    step: float = 0.0
    every_s: float = 0.0
    end: float = 0.0
    until_s: float = 0.0

    def at(self, elapsed_s: float) -> float:
        """The level at a time, at least 0."""
        if not self.step:
            return self.start
        if self.until_s and elapsed_s >= self.until_s:
            return self.end or self._climbed(self.until_s)
        return self._climbed(elapsed_s)

    def changes(self) -> Iterator[tuple[float, float]]:
        """(seconds, level) from 0 on at each time at which it may change; ends where it stays for good."""
        yield 0.0, self.at(0.0)
        if not self.step:
            return
        number = 1
        while True:
            at_s = number * self.every_s
            if self.until_s and at_s >= self.until_s:
                yield self.until_s, self.at(self.until_s)
                return
            level = self.at(at_s)
            yield at_s, level
            if level == self.end or level <= 0:
                return
            number += 1

    def _climbed(self, elapsed_s: float) -> float:
        level = self.start + self.step * math.floor(elapsed_s / self.every_s)
        if self.end:
            level = min(level, self.end) if self.step > 0 else max(level, self.end)
        return max(level, 0.0)


def due_times(rates: Steps) -> Iterator[float]:
    """When each request is due, in seconds: the first at once; ends where the rate falls to 0."""
    number, before = 0, 0.0  # requests so far, and how many the spans before were to have
    for start, stop, rate in _spans(rates):
        if rate <= 0:
            return
        while (at_s := start + (number - before) / rate) < stop:
            yield at_s
            number += 1
        before += (stop - start) * rate


def _spans(rates: Steps) -> Iterator[tuple[float, float, float]]:
    """(from, to, rate) of each span of constant rate; the last goes on without end."""
    changes = rates.changes()
    at_s, level = next(changes)
    for next_s, next_level in changes:
        yield at_s, next_s, level
        at_s, level = next_s, next_level
    yield at_s, math.inf, level
