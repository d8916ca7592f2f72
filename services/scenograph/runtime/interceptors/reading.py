"""Requests as they come over the wire: bytes that are no message fail inside the layers, as our own error.

gRPC would answer UNKNOWN by itself, with the name of a Python class and a traceback in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from scenograph.scene.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Malformed:
    """In the place of a message that could not be read."""

    reason: str


def deserializer(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Reads a message, or gives a Malformed."""

    def read_or_tell(content: bytes) -> Any:
        try:
            return read(content)
        except DecodeError as error:
            return Malformed(str(error))

    return read_or_tell


def whole(request: Any) -> Any:
    """The message. Errors: InvalidInput where it could not be read."""
    if type(request) is Malformed:
        raise InvalidInput(f"the request is not such a message: {request.reason}")
    return request
