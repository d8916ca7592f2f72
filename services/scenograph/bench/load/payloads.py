"""The messages and the metadata of each call, made of a config's JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

from google.protobuf import json_format

from scenograph.bench.load.method import Method
from scenograph.bench.load.template import Call, Template
from scenograph.scene.errors import InvalidInput

Metadata = tuple[tuple[str, str], ...]


class Payloads:
    """Requests as bytes.

    A method that takes one message gets the elements of an array of data in turn, by the call's number; one
    that takes a stream gets all of them in each call, `stream_count` of them where that is not 0.
    Errors on making: InvalidInput (data that is no request of the method, unknown template actions).
    """

    def __init__(
        self,
        method: Method,
        data: dict[str, Any] | Sequence[dict[str, Any]] | None,
        metadata: dict[str, str],
        stream_count: int = 0,
    ) -> None:
        self._method = method
        self._count = stream_count
        elements = [data or {}] if data is None or isinstance(data, dict) else list(data)
        self._templates = [Template(json.dumps(element, ensure_ascii=False)) for element in elements]
        self._metadata = [(key.lower(), Template(value)) for key, value in metadata.items()]
        first = Call(0, "check", method.called)
        self._fixed = [
            self._message(template.fill(first)) if template.fixed else None for template in self._templates
        ]
        for template in self._templates:
            self._message(template.fill(first))

    def messages(self, call: Call) -> list[bytes]:
        """The messages of a call; one where the method takes one."""
        if not self._method.called.client_streaming:
            return [self._made(call.number % len(self._templates), call)]
        count = self._count or len(self._templates)
        return [self._made(place, call) for place in islice(cycle(range(len(self._templates))), count)]

    def metadata(self, call: Call) -> Metadata:
        """The metadata of a call."""
        return tuple((key, template.fill(call)) for key, template in self._metadata)

    def _made(self, place: int, call: Call) -> bytes:
        fixed = self._fixed[place]
        return self._message(self._templates[place].fill(call)) if fixed is None else fixed

    def _message(self, text: str) -> bytes:
        message = self._method.request()
        try:
            json_format.Parse(text, message)
        except json_format.ParseError as error:
            name = self._method.request.DESCRIPTOR.full_name
            raise InvalidInput(f"data: not a {name}: {error}", field="data") from error
        return message.SerializeToString()
