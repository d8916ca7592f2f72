"""The base of all interceptors: runs a context manager around a call of any of gRPC's four kinds."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import grpc
from google.protobuf.message import Message

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
NameOf: TypeAlias = Callable[[str], str]
"""A called method as traces and metrics name it: callers cannot add names of their own."""

_FACTORIES: dict[tuple[bool, bool], Any] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `method` like "/scenograph.v1.GatewayService/Search"; `streaming` where a side streams."""

    method: str
    streaming: bool
    context: Context

    def metadata(self) -> dict[str, str | bytes]:
        """What the caller sent along."""
        return dict(self.context.invocation_metadata() or ())


class Around(grpc.aio.ServerInterceptor):
    """Override `around`, `check`, or both. gRPC's own services (health, reflection) are left alone."""

    def around(self, call: Call) -> AbstractAsyncContextManager[None]:
        """Entered before the handler runs, left after its last answer; errors pass through it."""
        return nullcontext()

    def check(self, call: Call, request: Message) -> None:
        """Sees each request message before the handler does; raises to refuse it."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith("/grpc."):
            return handler
        return self._wrap(handler, method)

    def _wrap(self, handler: Handler, method: str) -> Handler:
        kind = (bool(handler.request_streaming), bool(handler.response_streaming))
        behaviour: Any = (
            handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        )

        async def run(request: Any, context: Context) -> Any:
            call = Call(method, any(kind), context)
            async with self.around(call):
                if not handler.request_streaming:
                    self.check(call, request)
                    return await _answer(behaviour(request, context), context)
                async with _Checked(request, lambda message: self.check(call, message)) as requests:
                    return await _answer(behaviour(requests, context), context)

        wrapped: Handler = _FACTORIES[kind](
            run,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
        return wrapped


async def _answer(outcome: Any, context: Context) -> Any:
    """Awaits a handler's one answer, or writes its answers out.

    They are written here, not yielded on, so that blocks around the handler are left in this very task.
    """
    if not hasattr(outcome, "__aiter__"):
        return await outcome
    async with aclosing(outcome):
        async for response in outcome:
            await context.write(response)


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
        request = await anext(self._requests)
        self._check(request)
        return request
