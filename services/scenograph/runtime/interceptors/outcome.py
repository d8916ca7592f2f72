"""How a call ended, for those who tell of it."""

from __future__ import annotations

from typing import Self

import grpc

from scenograph.runtime.interceptors.around import Call

_LATE_S, _ROUNDED = 0.01, 0.02  # how much sooner a caller's own clock may end its call: delay, rounding


def _time_is_up(call: Call) -> bool:
    """Whether a cancelled call was ended by its deadline: its caller sends the same message either way."""
    left = call.context.time_remaining()
    return call.seconds is not None and left is not None and left <= _LATE_S + _ROUNDED * call.seconds


class Outcome:
    """Entered around a call, outside of what turns errors into a status. `code` is that status' name then."""

    def __init__(self, call: Call) -> None:
        self.code = "OK"
        self._call = call

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, grpc.aio.AbortError):
            code = self._call.context.code()
            known = (each.name for each in grpc.StatusCode if code in (each, each.value[0]))
            self.code = next(known, str(code))
        elif error is not None:  # cancelled, or over before its status could be sent
            self.code = "DEADLINE_EXCEEDED" if _time_is_up(self._call) else "CANCELLED"
