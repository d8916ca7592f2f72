"""Rates over time, held against a slow sum."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenograph.bench.load.schedule import Steps, due_times

TICK_S = 1e-3


def owed_until(rates: Steps, seconds: float) -> float:
    """Requests due by a time: the rate added up in small ticks."""
    ticks = round(seconds / TICK_S)
    return sum(rates.at((tick + 0.5) * TICK_S) * TICK_S for tick in range(ticks))


@given(
    start=st.integers(1, 60),
    step=st.integers(-20, 20),
    every_s=st.sampled_from([0.25, 0.5, 1.0]),
    end=st.integers(0, 80),
    until_s=st.sampled_from([0.0, 0.75, 1.5]),
)
def test_requests_are_due_as_the_rate_says(
    start: int, step: int, every_s: float, end: int, until_s: float
) -> None:
    rates = Steps(start, step, every_s, end if (end - start) * step > 0 else 0, until_s)
    due = []
    for at_s in due_times(rates):
        if at_s >= 2.0:
            break
        due.append(at_s)
    assert due[0] == 0 and all(before < after for before, after in pairwise(due))
    assert abs(len(due) - owed_until(rates, 2.0)) <= 1.1


def test_a_constant_rate() -> None:
    assert list(islice(due_times(Steps(4)), 4)) == [0.0, 0.25, 0.5, 0.75]


def test_steps_stop_where_they_are_told_to() -> None:
    rates = Steps(50, 10, 5.0, 150)
    assert [rates.at(seconds) for seconds in (0, 4.9, 5, 50, 500)] == [50, 50, 60, 150, 150]
    held = Steps(200, -10, 5.0, until_s=40)
    assert [held.at(seconds) for seconds in (0, 39, 40, 400)] == [200, 130, 120, 120]
    assert list(due_times(Steps(2, -1, 1.0))) == pytest.approx([0, 0.5, 1.0])
