"""The time that is left for the call being served, wherever one stands in its code."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from scenograph.scene.errors import DeadlineExceeded

_deadline: ContextVar[float | None] = ContextVar("scenograph_deadline", default=None)


def remaining() -> float | None:
    """Seconds left (0 when the time is over); None outside a call, where nothing limits the time."""
    at = _deadline.get()
    return None if at is None else max(0.0, at - time.monotonic())


def check() -> None:
    """Raises DeadlineExceeded when the time is over; for loops that do long work in steps."""
    if remaining() == 0.0:
        raise DeadlineExceeded("the request's time ran out")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Inside the block at most `seconds` remain. Interrupts nothing by itself."""
    at = time.monotonic() + seconds
    outer = _deadline.get()
    token = _deadline.set(at if outer is None else min(at, outer))
    try:
        yield
    finally:
        _deadline.reset(token)
