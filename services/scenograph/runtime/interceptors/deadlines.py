"""Gives every call a deadline: the client's own, or a default where it set none."""

from __future__ import annotations

import asyncio
from typing import Any

from scenograph.runtime import deadline
from scenograph.runtime.interceptors.around import Around, Call, GoOn
from scenograph.scene.errors import DeadlineExceeded


class Deadlines(Around):
    """`unary_s` and `stream_s`: default seconds for calls without and with a stream on either side."""

    def __init__(self, unary_s: float, stream_s: float) -> None:
        self._unary_s = unary_s
        self._stream_s = stream_s

    async def around(self, call: Call, request: Any, go_on: GoOn) -> Any:
        seconds = call.seconds
        if seconds is None:
            seconds = self._stream_s if call.streaming else self._unary_s
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                with deadline.within(seconds):
                    return await go_on(call, request)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"not done within {seconds:.3g} s") from error
