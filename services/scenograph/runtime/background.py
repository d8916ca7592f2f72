"""Long blocking work beside live traffic: one thread of low priority, with short turns."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

NICENESS = 10
SWITCH_S = 0.0005
"""How long this work keeps the interpreter from a thread that wants it; Python's own 5 ms would be added to
every step of a call."""


class Background:
    """One piece of work at a time, in the order of asking."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "background", _lower_priority)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a blocking function; it goes on where the caller is cancelled."""

        def work() -> T:
            with _short_turns():
                return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Takes nothing more; what runs is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _lower_priority() -> None:
    if sys.platform == "linux":  # elsewhere a priority is the whole process's
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


@contextmanager
def _short_turns() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
