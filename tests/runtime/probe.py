"""A real gRPC service with one method of each kind, whose behaviour the test gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from opentelemetry.trace import Tracer

from scenograph.runtime.server import Server, ServerOptions
from scenograph.runtime.telemetry.metrics import Metrics

NAME = "scenograph.test.Probe"

Behaviour = Callable[[str, "grpc.aio.ServicerContext[Any, Any]"], Awaitable[str]]


def register(behaviour: Behaviour) -> Callable[[grpc.aio.Server], None]:
    """Handlers UU, US, SU and SS; each calls the behaviour once a request."""

    async def unary_unary(request: StringValue, context: Any) -> StringValue:
        return StringValue(value=await behaviour(request.value, context))

    async def unary_stream(request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        yield StringValue(value=await behaviour(request.value, context))

    async def stream_unary(requests: AsyncIterator[StringValue], context: Any) -> StringValue:
        return StringValue(value=",".join([await behaviour(r.value, context) async for r in requests]))

    async def stream_stream(requests: AsyncIterator[StringValue], context: Any) -> AsyncIterator[StringValue]:
        async for request in requests:
            yield StringValue(value=await behaviour(request.value, context))

    coding: dict[str, Any] = {
        "request_deserializer": StringValue.FromString,
        "response_serializer": StringValue.SerializeToString,
    }
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "UU": grpc.unary_unary_rpc_method_handler(unary_unary, **coding),
        "US": grpc.unary_stream_rpc_method_handler(unary_stream, **coding),
        "SU": grpc.stream_unary_rpc_method_handler(stream_unary, **coding),
        "SS": grpc.stream_stream_rpc_method_handler(stream_stream, **coding),
    }
    return lambda server: server.add_registered_method_handlers(NAME, handlers)


class Probe:
    """Calls the probe service. `call` gives the answers and the trailers, whatever the kind."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel

    async def call(
        self,
        kind: str,
        text: str = "",
        *,
        timeout: float | None = None,
        metadata: tuple[tuple[str, str], ...] = (),
    ) -> tuple[list[str], dict[str, Any]]:
        name, request = f"/{NAME}/{kind}", StringValue(value=text)
        coding: dict[str, Any] = {
            "request_serializer": StringValue.SerializeToString,
            "response_deserializer": StringValue.FromString,
        }
        more: dict[str, Any] = {"timeout": timeout, "metadata": metadata}
        call: Any
        if kind == "UU":
            call = self.channel.unary_unary(name, **coding)(request, **more)
        elif kind == "US":
            call = self.channel.unary_stream(name, **coding)(request, **more)
        elif kind == "SU":
            call = self.channel.stream_unary(name, **coding)(iter([request]), **more)
        else:
            call = self.channel.stream_stream(name, **coding)(iter([request]), **more)
        answers = [message.value async for message in call] if kind[1] == "S" else [(await call).value]
        return answers, dict(await call.trailing_metadata())


KINDS = ("UU", "US", "SU", "SS")


@asynccontextmanager
async def probing(
    behaviour: Behaviour,
    options: ServerOptions | None = None,
    *,
    tracer: Tracer | None = None,
    metrics: Metrics | None = None,
) -> AsyncIterator[tuple[Server, Probe]]:
    """A running server with the probe service, and a caller."""
    server = Server([NAME], options or ServerOptions(), tracer=tracer, metrics=metrics or Metrics())
    await server.start()
    server.add(register(behaviour))
    await server.ready()
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield server, Probe(channel)
    finally:
        await server.stop()
