"""Progress without a terminal: lines that say how far, how fast and how long, and not too many of them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from scenograph.cli import output
from scenograph.cli.progress_lines import ProgressLines, duration


class Clock:
    """Seconds that a test moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _lines() -> tuple[ProgressLines, Clock, io.StringIO]:
    clock, file = Clock(), io.StringIO()
    return ProgressLines(Console(file=file, width=200), clock), clock, file


def test_long_work_tells_each_twentieth_with_rate_and_time_left() -> None:
    bar, clock, file = _lines()
    task = bar.add_task("text to image, graph", total=1000)
    for _ in range(1000):
        clock.now += 0.5
        bar.advance(task)
    lines = file.getvalue().splitlines()
    assert len(lines) == 20
    assert lines[0] == "text to image, graph: 50 of 1000 (5 %), 2 a second, 7 min 55 s left"
    assert lines[-1] == "text to image, graph: 1000 of 1000 (100 %), 2 a second, 0 s left"


def test_slow_work_tells_every_half_minute() -> None:
    bar, clock, file = _lines()
    task = bar.add_task("ingest", total=1000)
    for _ in range(20):
        clock.now += 10
        bar.advance(task)
    assert [line.partition(" (")[0] for line in file.getvalue().splitlines()] == [
        f"ingest: {count} of 1000" for count in (3, 6, 9, 12, 15, 18)
    ]
    assert "10 s each, 2 h 46 min left" in file.getvalue()


def test_quick_work_says_nothing() -> None:
    bar, clock, file = _lines()
    task = bar.add_task("parse", total=100)
    for _ in range(100):
        clock.now += 0.04
        bar.advance(task)
    assert file.getvalue() == ""


def test_a_new_stretch_of_work_has_its_own_rate() -> None:
    bar, clock, file = _lines()
    task = bar.add_task("recipe", total=None)
    clock.now += 40
    bar.update(task, description="recipe: features", completed=10, total=20)
    clock.now += 10
    bar.update(task, description="recipe: training", completed=0, total=600)
    clock.now += 10
    bar.update(task, completed=60)
    clock.now += 10
    bar.update(task, completed=0)
    clock.now += 30
    bar.update(task, completed=10)
    assert file.getvalue().splitlines() == [
        "recipe: features: 10 of 20 (50 %), 4 s each, 40 s left",
        "recipe: training: 0 of 600 (0 %)",
        "recipe: training: 60 of 600 (10 %), 6 a second, 1 min 30 s left",
        "recipe: training: 0 of 600 (0 %)",
        "recipe: training: 10 of 600 (2 %), 3 s each, 29 min 30 s left",
    ]


def test_shares_of_a_whole_are_per_cent() -> None:
    bar, clock, file = _lines()
    task = bar.add_task("pack", total=1.0)
    clock.now += 6
    bar.update(task, description="Exporting the object detector", completed=0.25)
    assert file.getvalue() == "Exporting the object detector: 25 %\n"


@pytest.mark.parametrize(("terminal", "drawn"), [(True, False), (False, True)])
def test_commands_choose_by_the_terminal(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, drawn: bool
) -> None:
    monkeypatch.setattr(output, "err", Console(file=io.StringIO(), force_terminal=terminal))
    assert isinstance(output.progress(), ProgressLines) is drawn


def test_durations() -> None:
    assert [duration(s) for s in (0.4, 59, 61, 3599, 7500)] == [
        "0 s", "59 s", "1 min 1 s", "59 min 59 s", "2 h 5 min",
    ]  # fmt: skip
