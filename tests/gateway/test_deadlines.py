"""Stage times, estimates and time boxes."""

from __future__ import annotations

import asyncio

import pytest

from scenograph.gateway.deadlines import Estimates, StageTimes, graph_budget, parse_budget, time_box
from scenograph.runtime import deadline
from scenograph.scene.errors import DeadlineExceeded


def test_times_add_up_and_name_what_services_said() -> None:
    times = StageTimes()
    with times.measure("match"):
        pass
    times.inside("visual", {"queue": 1.5, "total": 9.0, "visual": 9.0})
    times.inside("visual", {"queue": 0.5})
    told = times.so_far()
    assert set(told) == {"match", "visual.queue", "total"}
    assert told["visual.queue"] == 2.0
    assert told["total"] >= told["match"]


def test_estimates_follow_what_was_seen_per_unit() -> None:
    estimates = Estimates()
    assert estimates.expected("match", 100) == 0.0
    estimates.observe("match", 1.0, 10)
    assert estimates.expected("match", 20) == pytest.approx(2.0)
    estimates.observe("match", 2.0, 10)
    assert 0.1 < estimates.expected("match") < 0.2
    estimates.exceeded("match", 10.0, 10)
    assert estimates.expected("match") == 1.0
    estimates.exceeded("match", 1.0, 10)
    assert estimates.expected("match") == 1.0
    for _ in range(100):
        estimates.forgive("match")
    assert estimates.expected("match") < 0.01


def test_budgets_are_shares_of_what_is_left() -> None:
    estimates = Estimates()
    assert graph_budget(estimates) is None
    assert parse_budget() is None
    with deadline.within(1.0):
        budget, parse = graph_budget(estimates), parse_budget()
        assert budget is not None and 0.9 < budget < 0.96
        assert parse is not None and 0.4 < parse <= 0.5
    with deadline.within(0.02):
        budget = graph_budget(estimates)
        assert budget is not None and 0 <= budget <= 0.01


async def test_a_time_box_ends_its_work_and_shortens_the_deadline_inside() -> None:
    ended = False
    with pytest.raises(DeadlineExceeded, match="the work was not done within"):
        async with time_box(0.01, "the work"):
            left = deadline.remaining()
            assert left is not None and left <= 0.01
            try:
                await asyncio.sleep(10)
            finally:
                ended = True
    assert ended
    assert deadline.remaining() is None
    async with time_box(None, "the work"):
        assert deadline.remaining() is None


async def test_another_timeout_inside_a_box_stays_what_it_is() -> None:
    with pytest.raises(TimeoutError):
        async with time_box(10, "the work"):
            raise TimeoutError
