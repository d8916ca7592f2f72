"""Progress as plain lines, for where standard error is no terminal: a log file, a pipe, a CI run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import Progress, Task, TaskID

STEP = 0.05
"""A line for every such part of the work done ..."""
LONGEST_S = 30.0
"""... and for every so many seconds,"""
SHORTEST_S = 5.0
"""but none sooner than this after the one before, so that quick work says nothing."""


@dataclass(slots=True)
class _Told:
    """What was last said of a task: when, how much was done, and which stretch of it this was."""

    seconds: float
    completed: float
    description: str


class ProgressLines(Progress):
    """Draws no bar; prints what is done, how fast, and how much longer it takes.

    "text to image, graph: 250 of 5000 (5 %), 12.3 a second, 6 min 26 s left". A task whose total is 1 is told
    in per cent alone.
    """

    def __init__(self, console: Console, get_time: Callable[[], float] = monotonic) -> None:
        super().__init__(console=console, disable=True, get_time=get_time)
        self._told: dict[TaskID, _Told] = {}
        self._began: dict[TaskID, _Told] = {}
        self._last: dict[TaskID, float] = {}

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._tell(task_id)

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._tell(task_id)

    def _tell(self, task_id: TaskID) -> None:
        with self._lock:
            task, now = self._tasks[task_id], self.get_time()
            first = _Told(task.start_time or now, 0.0, task.description)
            began = self._began.setdefault(task_id, first)
            told = self._told.setdefault(task_id, first)
            if began.description != task.description or task.completed < self._last.get(task_id, 0.0):
                began = self._began[task_id] = _Told(now, task.completed, task.description)
            self._last[task_id] = task.completed
            if not _due(task, told, now):
                return
            self._told[task_id] = _Told(now, task.completed, task.description)
        self.console.print(_line(task, began, now), markup=False, highlight=False)


def _due(task: Task, told: _Told, now: float) -> bool:
    since = now - told.seconds
    if since < SHORTEST_S:
        return False
    if since >= LONGEST_S or task.description != told.description or task.completed < told.completed:
        return True
    if not task.total:
        return False
    return task.completed >= task.total or task.completed - told.completed >= STEP * task.total


def _line(task: Task, began: _Told, now: float) -> str:
    done, seconds = task.completed - began.completed, now - began.seconds
    rate = done / seconds if seconds > 0 else 0.0
    if task.total is None:
        said = [f"{task.completed:.0f}"]
    elif task.total == 1:
        said = [f"{100 * task.completed:.0f} %"]
    else:
        said = [
            f"{task.completed:.0f} of {task.total:.0f} ({100 * task.completed / (task.total or 1):.0f} %)"
        ]
    if task.total != 1 and rate:
        said.append(f"{rate:.3g} a second" if rate >= 1 else f"{1 / rate:.3g} s each")
        if task.total is not None:
            said.append(f"{duration((task.total - task.completed) / rate)} left")
    return f"{task.description}: {', '.join(said)}"


def duration(seconds: float) -> str:
    """ "8 s", "6 min 26 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {left} s"
    return f"{minutes // 60} h {minutes % 60} min"
