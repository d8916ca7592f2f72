"""Figures, held against slow and obvious ones."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenograph.bench.load.config import make_config
from scenograph.bench.load.driver import Load
from scenograph.bench.load.samples import MESSAGES_KEPT, OTHER, Tally, gathered
from scenograph.bench.load.summary import ghz_report, histogram, latencies, over_time

TIMES = st.lists(st.integers(1, 10**9), min_size=1, max_size=60)


@given(TIMES)
def test_percentiles_are_ranks(values: list[int]) -> None:
    found = latencies(np.array(values))
    assert found is not None
    for percent, value in found.percentiles.items():
        rank = max(1, math.ceil(round(percent / 100 * len(values), 9)))
        assert value == sorted(values)[rank - 1]


@given(TIMES)
def test_the_histogram_counts_each_call_once(values: list[int]) -> None:
    buckets = histogram(np.array(values))
    assert sum(bucket["count"] for bucket in buckets) == len(values)
    assert buckets[0]["mark"] == min(values) / 1e9 and buckets[-1]["mark"] == max(values) / 1e9
    below = -1.0
    for bucket in buckets:
        assert bucket["count"] == sum(below < value / 1e9 <= bucket["mark"] for value in values)
        below = bucket["mark"]


def _load() -> Load:
    """Two processes; ten calls a second that take 50 ms each, every fifth refused."""
    tallies = [Tally(), Tally()]
    for number in range(40):
        due = 1_000 + number * 100_000_000
        tallies[number % 2].add(
            due, due + 1_000_000, due + 50_000_000, 8 if number % 5 == 0 else 0, "full" * (number % 5 == 0)
        )
    config = make_config({"call": "a.B/C", "rps": 10, "total": 40, "skipFirst": 5, "tags": {"a": "b"}})
    samples = gathered(tallies, 1_000)
    return Load(config, samples.after(5), 4.0, datetime(2026, 1, 2, tzinfo=UTC), "normal", 2, 2)


def test_the_report_adds_up() -> None:
    report = ghz_report(_load(), details=True)
    assert report["count"] == 35 == sum(report["statusCodeDistribution"].values())
    assert report["statusCodeDistribution"] == {"OK": 28, "ResourceExhausted": 7}
    assert report["errorDistribution"] == {"full": 7}
    assert report["date"] == "2026-01-02T00:00:00Z" and report["rps"] == pytest.approx(35 / 4)
    assert report["average"] == report["fastest"] == report["slowest"] == 50_000_000
    assert [part["percentage"] for part in report["latencyDistribution"]] == [10, 25, 50, 75, 90, 95, 99]
    assert report["scenograph"]["fromSent"]["average"] == 49_000_000
    assert report["scenograph"]["fromDue"]["percentiles"][-1] == {"percentage": 99.9, "latency": 50_000_000}
    assert report["details"][0]["status"] == "ResourceExhausted"
    assert report["details"][0]["error"] == "full" and report["details"][1]["error"] == ""
    assert report["tags"] == {"a": "b"}
    assert report["options"]["timeout"] == 20_000_000_000 and report["options"]["rps"] == 10


def test_over_time() -> None:
    slots = over_time(_load())
    widths = 4.0 / len(slots)
    assert sum(slot.ended for slot in slots) * widths == pytest.approx(35)
    assert Counter(slot.p50_ms for slot in slots if slot.due) == {50.0: sum(slot.due > 0 for slot in slots)}


def test_errors_without_number_are_counted_together() -> None:
    tally = Tally()
    for number in range(300):
        tally.add(0, 0, number, 13, f"error id {number}")
    errors = gathered([tally], 0).errors
    assert sum(errors.values()) == 300 and errors[OTHER] == 300 - (MESSAGES_KEPT - 2)
