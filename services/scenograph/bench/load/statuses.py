"""gRPC status codes by the names that ghz, a Go program, gives them."""

from __future__ import annotations

from typing import Final

import grpc

OK: Final = grpc.StatusCode.OK
CANCELLED: Final = grpc.StatusCode.CANCELLED


def _go_name(code: grpc.StatusCode) -> str:
    """ "DeadlineExceeded" for DEADLINE_EXCEEDED."""
    return {OK: "OK", CANCELLED: "Canceled"}.get(code, code.name.title().replace("_", ""))


NAMES: Final = {code: _go_name(code) for code in grpc.StatusCode}
BY_NUMBER: Final[dict[int, str]] = {code.value[0]: name for code, name in NAMES.items()}
