"""A channel over TLS that follows its certificates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import grpc

from scenograph.runtime.certificates import CertificateFiles, Certificates

LOOK_S = 1.0
"""How often the files are looked at, at most."""
GRACE_S = 300.0
"""How long calls on a channel of former certificates may go on."""

Multi = Callable[..., Any]


class RenewedChannel:
    """Makes a new channel when the files have changed; calls under way end on the old one.

    It has what stubs and their owners use of `grpc.aio.Channel`: methods of the four kinds, and `close`.
    """

    def __init__(self, files: CertificateFiles, connect: Callable[[Certificates], grpc.aio.Channel]) -> None:
        self._files = files
        self._connect = connect
        self._certificates = files.current()
        self._channel = connect(self._certificates)
        self._methods: dict[str, Multi] = {}
        self._looked = time.monotonic()
        self._closing: set[asyncio.Task[None]] = set()

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Multi:
        return self._method("unary_unary", method, *args, **kwargs)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Multi:
        return self._method("unary_stream", method, *args, **kwargs)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Multi:
        return self._method("stream_unary", method, *args, **kwargs)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Multi:
        return self._method("stream_stream", method, *args, **kwargs)

    def _method(self, kind: str, method: str, *args: Any, **kwargs: Any) -> Multi:
        """A method to call, each time on the newest channel."""

        def call(*call_args: Any, **call_kwargs: Any) -> Any:
            self._follow()
            made = self._methods.get(method)
            if made is None:
                made = self._methods[method] = getattr(self._channel, kind)(method, *args, **kwargs)
            return made(*call_args, **call_kwargs)

        return call

    async def close(self) -> None:
        """Closes all; calls under way are cancelled."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._channel.close()

    def _follow(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        newest = self._files.current()
        if newest is self._certificates:
            return
        former, self._certificates = self._channel, newest
        self._channel, self._methods = self._connect(newest), {}
        task = asyncio.create_task(former.close(GRACE_S))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
