"""A real server: ids and deadlines of calls, cancellation, health, reflection, readiness, drain."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.runtime.probe import KINDS, NAME, Probe, probing, register

from scenograph.runtime import deadline
from scenograph.runtime.health import NOT_SERVING, SERVING
from scenograph.runtime.logs import request_id
from scenograph.runtime.server import Server, ServerOptions
from scenograph.runtime.trailers import add_trailer
from scenograph.scene.errors import FailedPrecondition
from scenograph.v1 import textual_pb2
from scenograph.v1.limits import MAX_MESSAGE_BYTES


async def echo(text: str, context: object) -> str:
    return text


async def left(text: str, context: object) -> str:
    return str(deadline.remaining())


@pytest.mark.parametrize("kind", KINDS)
async def test_answers_pass_through(kind: str) -> None:
    async with probing(echo) as (_, probe):
        answers, _ = await probe.call(kind, "hello")
    assert answers == ["hello"]


@pytest.mark.parametrize("kind", KINDS)
async def test_request_id_is_kept_or_made(kind: str) -> None:
    async def behaviour(text: str, context: Any) -> str:
        add_trailer(context, "cache-status", "miss")
        return request_id.get()

    async with probing(behaviour) as (_, probe):
        answers, trailers = await probe.call(kind, metadata=(("x-request-id", "abc-1"),))
        assert answers == ["abc-1"]
        assert (trailers["x-request-id"], trailers["cache-status"]) == ("abc-1", "miss")
        answers, trailers = await probe.call(kind, metadata=(("x-request-id", "not usable"),))
        assert answers == [trailers["x-request-id"]] and len(answers[0]) == 32


async def test_calls_without_a_deadline_get_one() -> None:
    options = ServerOptions(unary_deadline_s=5, stream_deadline_s=50)
    async with probing(left, options) as (_, probe):
        seconds = {kind: float((await probe.call(kind))[0][0]) for kind in KINDS}
        shorter, _ = await probe.call("UU", timeout=2)
    assert 4 < seconds["UU"] <= 5
    assert all(49 < seconds[kind] <= 50 for kind in ("US", "SU", "SS"))
    assert 1 < float(shorter[0]) < 2.1  # the wire rounds


@pytest.mark.parametrize("kind", KINDS)
async def test_a_default_deadline_expires(kind: str) -> None:
    async def sleep(text: str, context: object) -> str:
        await asyncio.sleep(10)
        return text

    async with probing(sleep, ServerOptions(unary_deadline_s=0.05, stream_deadline_s=0.05)) as (_, probe):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.call(kind)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("kind", KINDS)
async def test_cancellation_reaches_the_handler(kind: str) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(text: str, context: object) -> str:
        entered.set()
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return text

    async with probing(wait) as (_, probe):
        call = asyncio.create_task(probe.call(kind))
        await asyncio.wait_for(entered.wait(), 5)
        call.cancel()
        await asyncio.wait_for(cancelled.wait(), 5)
        with pytest.raises(asyncio.CancelledError):
            await call


async def health(probe: Probe, service: str = "") -> int:
    stub: Any = health_pb2_grpc.HealthStub(probe.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


async def test_not_serving_until_ready() -> None:
    server = Server([NAME], ServerOptions())
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        probe = Probe(channel)
        assert [await health(probe), await health(probe, NAME)] == [NOT_SERVING, NOT_SERVING]
        for kind in KINDS:
            with pytest.raises(grpc.aio.AioRpcError, match="starting") as caught:
                await probe.call(kind)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        server.add(register(echo))
        await server.ready()
        assert [await health(probe), await health(probe, NAME)] == [SERVING, SERVING]
        assert (await probe.call("UU", "x"))[0] == ["x"]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            nothing: Any = channel.unary_unary(f"/{NAME}/Nothing")
            await nothing(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    await server.stop()


async def test_drain_flips_health_first_and_lets_calls_finish() -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def wait(text: str, context: object) -> str:
        entered.set()
        await go_on.wait()
        return "done"

    async with probing(wait, ServerOptions(drain_delay_s=0.3, drain_grace_s=5)) as (server, probe):
        running = asyncio.create_task(probe.call("UU"))
        await entered.wait()
        seen: list[int] = []
        async with grpc.aio.insecure_channel(server.address) as other:
            stub: Any = health_pb2_grpc.HealthStub(other)
            watch = stub.Watch(health_pb2.HealthCheckRequest(service=NAME))
            seen.append((await watch.read()).status)
            drain = asyncio.create_task(server.drain())
            seen.append((await watch.read()).status)
            assert seen == [SERVING, NOT_SERVING]
            assert not drain.done()
            watch.cancel()
        await asyncio.sleep(0.5)
        assert not drain.done()
        async with grpc.aio.insecure_channel(server.address) as late:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await Probe(late).call("UU", timeout=5)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        go_on.set()
        assert (await running)[0] == ["done"]
        await asyncio.wait_for(drain, 5)


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
async def test_signals_drain(signals: list[signal.Signals]) -> None:
    entered = asyncio.Event()

    async def wait(text: str, context: object) -> str:
        entered.set()
        await asyncio.sleep(0.5 if len(signals) == 1 else 60)
        return "done"

    async with probing(wait) as (server, probe):
        serving = asyncio.create_task(server.run_until_signal())
        running = asyncio.create_task(probe.call("UU"))
        await entered.wait()
        start = time.monotonic()
        for number in signals:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.1)
        await asyncio.wait_for(serving, 5)
        assert time.monotonic() - start < 5
        if len(signals) == 1:
            assert (await running)[0] == ["done"]
        else:
            with pytest.raises(grpc.aio.AioRpcError):
                await running


async def test_reflection_lists_services() -> None:
    async with probing(echo) as (_, probe):
        new_stub: Any = reflection_pb2_grpc.ServerReflectionStub
        new_request: Any = reflection_pb2.ServerReflectionRequest
        stub, request = new_stub(probe.channel), new_request(list_services="")
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
    names = {service.name for service in answers[0].list_services_response.service}
    assert names == {NAME, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_the_message_limit_is_the_documented_one() -> None:
    async with probing(echo) as (_, probe):
        fits = StringValue(value="x" * (MAX_MESSAGE_BYTES - 100))
        call: Any = probe.channel.unary_unary(f"/{NAME}/UU", request_serializer=StringValue.SerializeToString)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(fits)
        assert "Received message larger than max" in str(caught.value.details())  # the answer, at this client
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(StringValue(value="x" * MAX_MESSAGE_BYTES))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_two_servers_do_not_share_a_port() -> None:
    async with probing(echo) as (server, _):
        with pytest.raises(FailedPrecondition, match="is the port in use"):
            await Server([NAME], ServerOptions(port=server.port)).start()


async def test_lists_are_checked_before_the_handler() -> None:
    called = False

    async def never(request: object, context: object) -> textual_pb2.ParseTextsResponse:
        nonlocal called
        called = True
        return textual_pb2.ParseTextsResponse()

    handler = grpc.unary_unary_rpc_method_handler(
        never,
        request_deserializer=textual_pb2.ParseTextsRequest.FromString,
        response_serializer=textual_pb2.ParseTextsResponse.SerializeToString,
    )
    async with probing(echo) as (server, probe):
        server.add(lambda s: s.add_registered_method_handlers(NAME, {"Parse": handler}))
        call: Any = probe.channel.unary_unary(
            f"/{NAME}/Parse", request_serializer=textual_pb2.ParseTextsRequest.SerializeToString
        )
        for texts in ([], ["a"] * 1025):
            with pytest.raises(grpc.aio.AioRpcError, match="takes 1 to 1024") as caught:
                await call(textual_pb2.ParseTextsRequest(texts=texts))
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert not called
        await call(textual_pb2.ParseTextsRequest(texts=["a"] * 1024))
        assert called


def test_deadlines_nest() -> None:
    assert deadline.remaining() is None
    with deadline.within(5):
        with deadline.within(50):
            inner = deadline.remaining()
        assert inner is not None and inner <= 5
    assert deadline.remaining() is None
