"""The actions of ghz's templates, such as `{{.RequestNumber}}` and `{{randomInt 1 9}}`."""

from __future__ import annotations

import random
import re
import string
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from scenograph.scene.errors import InvalidInput

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_LETTERS = string.ascii_letters + string.digits
SHORTEST, LONGEST = 2, 16
"""Characters of `randomString 0`."""


@dataclass(frozen=True, slots=True)
class Called:
    """What is called: names of the method and of its messages."""

    full_name: str
    method: str
    service: str
    input: str
    output: str
    client_streaming: bool
    server_streaming: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its number from 0, and who makes it."""

    number: int
    worker: str
    called: Called


Action = Callable[[Call], str]


def _boolean(value: bool) -> str:
    return "true" if value else "false"


_FIELDS: dict[str, Action] = {
    "WorkerID": lambda call: call.worker,
    "RequestNumber": lambda call: str(call.number),
    "FullyQualifiedName": lambda call: call.called.full_name,
    "MethodName": lambda call: call.called.method,
    "ServiceName": lambda call: call.called.service,
    "InputName": lambda call: call.called.input,
    "OutputName": lambda call: call.called.output,
    "IsClientStreaming": lambda call: _boolean(call.called.client_streaming),
    "IsServerStreaming": lambda call: _boolean(call.called.server_streaming),
    "Timestamp": lambda call: datetime.now().astimezone().isoformat(timespec="seconds"),
    "TimestampUnix": lambda call: str(int(time.time())),
    "TimestampUnixMilli": lambda call: str(time.time_ns() // 1_000_000),
    "TimestampUnixNano": lambda call: str(time.time_ns()),
    "UUID": lambda call: str(uuid.uuid4()),
}


def _random_string(length: int) -> str:
    return "".join(random.choices(_LETTERS, k=length if length > 0 else random.randint(SHORTEST, LONGEST)))


def _random_int(low: int, high: int) -> str:
    return str(random.randrange(low, high))


_FUNCTIONS: dict[str, tuple[int, Callable[..., str]]] = {
    "newUUID": (0, lambda: str(uuid.uuid4())),
    "randomString": (1, _random_string),
    "randomInt": (2, _random_int),
}


class Template:
    """A text with actions, compiled once.

    Errors on making: InvalidInput for an action that is not known, naming it and those that are.
    """

    def __init__(self, text: str) -> None:
        self._parts: list[str | Action] = []
        at = 0
        for found in _ACTION.finditer(text):
            self._parts += [text[at : found.start()], _action(found[1], found[0])]
            at = found.end()
        self._parts.append(text[at:])

    @property
    def fixed(self) -> bool:
        """Whether it is the same for every call."""
        return len(self._parts) == 1

    def fill(self, call: Call) -> str:
        """The text for one call."""
        return "".join(part if isinstance(part, str) else part(call) for part in self._parts)


def _action(text: str, whole: str) -> Action:
    name, *arguments = text.split()
    if name.startswith(".") and name[1:] in _FIELDS and not arguments:
        return _FIELDS[name[1:]]
    if name in _FUNCTIONS:
        return _function(name, arguments, whole)
    known = ", ".join([*("." + field for field in _FIELDS), *_FUNCTIONS])
    raise InvalidInput(f"unknown template action {whole}; there are {known}")


def _function(name: str, arguments: Sequence[str], whole: str) -> Action:
    count, function = _FUNCTIONS[name]
    try:
        values = [int(argument) for argument in arguments]
    except ValueError as error:
        raise InvalidInput(f"template {whole} takes whole numbers") from error
    if len(values) != count:
        raise InvalidInput(f"template {whole} takes {count} arguments, not {len(values)}")
    if name == "randomInt" and not 0 <= values[0] < values[1]:
        raise InvalidInput(f"template {whole} needs a range from 0 or more up")
    return lambda call: function(*values)
