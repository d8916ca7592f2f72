"""One call after another: made, timed, and put on record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc

from scenograph.bench.load.config import LoadConfig
from scenograph.bench.load.method import Method
from scenograph.bench.load.payloads import Payloads
from scenograph.bench.load.samples import Tally
from scenograph.bench.load.statuses import CANCELLED, NAMES, OK
from scenograph.bench.load.template import Call
from scenograph.runtime.status import from_rpc_error


class Calls:
    """Makes the calls of one process over its channels, in turn by their numbers, and records each that ends.

    `cancelled_count`: whether a call that is cut short is recorded, as cancelled, or forgotten.
    """

    def __init__(self, config: LoadConfig, method: Method, channels: Sequence[grpc.aio.Channel]) -> None:
        self.tally = Tally()
        self.cancelled_count = True
        self._called = method.called
        self._payloads = Payloads(method, config.data, config.metadata, config.stream_call_count)
        self._methods = [_multicallable(channel, method) for channel in channels]
        self._pause_s = config.seconds("stream-interval")
        self._options = {
            "timeout": config.seconds("timeout") or None,
            "compression": grpc.Compression.Gzip if config.enable_compression else None,
        }

    async def make(self, number: int, worker: str, due_ns: int | None) -> None:
        """One call; without `due_ns` it was due when it is sent."""
        call = Call(number, worker, self._called)
        messages, metadata = self._payloads.messages(call), self._payloads.metadata(call)
        method = self._methods[number % len(self._methods)]
        status, error = OK, ""
        sent_ns = time.monotonic_ns()
        try:
            await self._exchange(method, messages, metadata=metadata, **self._options)
        except grpc.aio.AioRpcError as failure:
            status = failure.code()
            self.tally.advised += _advises(failure)
            error = f"rpc error: code = {NAMES[status]} desc = {failure.details()}"
        except asyncio.CancelledError:
            if self.cancelled_count:
                error = f"rpc error: code = {NAMES[CANCELLED]} desc = the load ended"
                self._record(due_ns, sent_ns, CANCELLED, error)
            raise
        self._record(due_ns, sent_ns, status, error)

    def _record(self, due_ns: int | None, sent_ns: int, status: grpc.StatusCode, error: str) -> None:
        due_ns = sent_ns if due_ns is None else due_ns
        self.tally.add(due_ns, sent_ns, time.monotonic_ns(), status.value[0], error)

    async def _exchange(self, method: Callable[..., Any], messages: list[bytes], **options: Any) -> None:
        """Send all, receive all."""
        takes_stream = self._called.client_streaming
        call = method(self._spaced(messages) if takes_stream else messages[0], **options)
        if self._called.server_streaming:
            async for _ in call:
                pass
        else:
            await call

    async def _spaced(self, messages: list[bytes]) -> AsyncIterator[bytes]:
        for message in messages:
            if self._pause_s:
                await asyncio.sleep(self._pause_s)
            yield message


def _advises(failure: grpc.aio.AioRpcError) -> bool:
    """Whether the failure says when to come back."""
    return getattr(from_rpc_error(failure), "retry_after_s", None) is not None


def _multicallable(channel: grpc.aio.Channel, method: Method) -> Callable[..., Any]:
    kinds: dict[tuple[bool, bool], Any] = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }
    make = kinds[method.called.client_streaming, method.called.server_streaming]
    made: Callable[..., Any] = make(method.path, response_deserializer=method.response.FromString)
    return made
