"""How a call ended, for those who tell of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from scenograph.runtime.interceptors.around import Call


class Outcome:
    """`code`: the name of the gRPC status, once the block is left."""

    def __init__(self) -> None:
        self.code = "OK"


@contextmanager
def outcome(call: Call) -> Iterator[Outcome]:
    """Around the call; must lie outside of what turns errors into a status."""
    seen = Outcome()
    try:
        yield seen
    except asyncio.CancelledError:
        seen.code = "CANCELLED"
        raise
    except grpc.aio.AbortError:
        code = call.context.code()
        seen.code = next(
            (known.name for known in grpc.StatusCode if code in (known, known.value[0])), str(code)
        )
        raise
