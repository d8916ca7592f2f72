"""The base of all layers around calls, of any of gRPC's four kinds."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, Self, TypeAlias

import grpc
from google.protobuf.message import Message

from scenograph.runtime.interceptors.reading import deserializer, whole

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
NameOf: TypeAlias = Callable[[str], str]
"""A called method as traces and metrics name it: callers cannot add names of their own."""

GoOn: TypeAlias = "Callable[[Call, Any], Awaitable[Any]]"
"""What a layer is laid around: the next one, or the handler. Takes the call and its request or requests."""

_FACTORIES: dict[tuple[bool, bool], Any] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


class Call:
    """One call: `method` like "/scenograph.v1.GatewayService/Search"; `streaming` where a side streams.

    `seconds`: the time that the caller gave it; None where it set no deadline. `metadata`: what it sent
    along. `principal`: who made it, once that is known; `visit`: what its guard keeps of it.
    """

    __slots__ = (
        "context", "metadata", "method", "principal", "requests_stream", "seconds", "streaming", "visit"
    )  # fmt: skip

    def __init__(self, method: str, kind: tuple[bool, bool], context: Context) -> None:
        self.method = method
        self.requests_stream = kind[0]
        self.streaming = any(kind)
        self.principal = ""
        self.visit: object = None
        self.context = context
        self.seconds: float | None = context.time_remaining()
        self.metadata: dict[str, str | bytes] = dict(context.invocation_metadata() or ())


class Around:
    """Something that happens around calls: override `around`, `check`, `answering`, or several."""

    async def around(self, call: Call, request: Any, go_on: GoOn) -> Any:
        """Awaits what is inside and gives back its answer; errors pass through."""
        return await go_on(call, request)

    def check(self, call: Call, request: Message) -> None:
        """Sees each request message before the handler does; raises to refuse it."""

    async def answering(self, call: Call, answer: Any) -> None:
        """Sees each message of a streamed answer before it goes out."""


def wrapped(handler: Handler, method: str, layers: Sequence[Around]) -> Handler:
    """The handler of a method with the layers around its calls, the first outermost.

    It is made once. gRPC's own interceptors would be walked through, and make handlers anew, in every call.
    """
    kind = (bool(handler.request_streaming), bool(handler.response_streaming))
    behaviour: Any = (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )
    checks = [layer.check for layer in layers if type(layer).check is not Around.check]
    watchers = [layer.answering for layer in layers if type(layer).answering is not Around.answering]

    async def innermost(call: Call, request: Any) -> Any:
        def check(message: Message) -> None:
            for each in checks:
                each(call, message)

        async def write(response: Any) -> None:
            for each in watchers:
                await each(call, response)
            await call.context.write(response)

        if not handler.request_streaming:
            check(whole(request))
            return await _answer(behaviour(request, call.context), write)
        async with _Checked(request, check) as requests:
            return await _answer(behaviour(requests, call.context), write)

    go_on: GoOn = innermost
    for layer in reversed(layers):
        if type(layer).around is not Around.around:
            go_on = partial(layer.around, go_on=go_on)
    outermost = go_on

    async def run(request: Any, context: Context) -> Any:
        return await outermost(Call(method, kind, context), request)

    made: Handler = _FACTORIES[kind](
        run,
        request_deserializer=handler.request_deserializer and deserializer(handler.request_deserializer),
        response_serializer=_unless_bytes(handler.response_serializer),
    )
    return made


def _unless_bytes(serializer: Any) -> Callable[[Any], bytes]:
    """A handler may answer with a message that is written already."""
    return lambda message: message if type(message) is bytes else serializer(message)


async def _answer(outcome: Any, write: Callable[[Any], Awaitable[None]]) -> Any:
    """Awaits a handler's one answer, or writes its answers out.

    They are written here, not yielded on, so that blocks around the handler are left in this very task.
    """
    if not hasattr(outcome, "__aiter__"):
        return await outcome
    async with aclosing(outcome):
        async for response in outcome:
            await write(response)


class _Checked(AsyncIterator[Message]):
    """The requests of a stream, each checked as it is read. Leaving the block closes gRPC's own iterator."""

    def __init__(self, requests: AsyncIterable[Message], check: Callable[[Message], None]) -> None:
        self._requests = aiter(requests)
        self._check = check

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        close = getattr(self._requests, "aclose", None)
        if close is not None:
            with suppress(RuntimeError):  # someone reads still, and is being cancelled
                await close()

    async def __anext__(self) -> Message:
        request: Message = whole(await anext(self._requests))
        self._check(request)
        return request
