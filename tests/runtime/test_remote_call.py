"""Calls to another process: time left, cancellation and repetition, over a real channel."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from tests.runtime.probe import NAME, probing

from scenograph.gateway.remote import Remote
from scenograph.runtime import deadline
from scenograph.scene.errors import DeadlineExceeded, Internal, Unavailable


class RemoteProbe(Remote):
    service = NAME
    repeatable: tuple[str, ...] = ()

    async def say(self, text: str) -> str:
        method: Any = self._channel.unary_unary(
            f"/{NAME}/UU",
            request_serializer=StringValue.SerializeToString,
            response_deserializer=StringValue.FromString,
        )
        answer: StringValue = await self._call(method, StringValue(value=text))
        return answer.value


class RepeatingProbe(RemoteProbe):
    repeatable = ("UU",)


async def test_the_time_left_goes_along() -> None:
    async def left(text: str, context: object) -> str:
        return str(deadline.remaining())

    async with probing(left) as (server, _):
        remote = RemoteProbe(server.address)
        with deadline.within(3):
            assert 2 < float(await remote.say("")) < 3.1
        assert float(await remote.say("")) > 20
        await remote.close()


async def test_time_that_runs_out_is_the_domains_error() -> None:
    async def sleep(text: str, context: object) -> str:
        await asyncio.sleep(10)
        return text

    async with probing(sleep) as (server, _):
        remote = RemoteProbe(server.address)
        with pytest.raises(DeadlineExceeded), deadline.within(0.1):
            await remote.say("")
        await remote.close()


async def test_cancelling_the_caller_cancels_the_service() -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(text: str, context: object) -> str:
        entered.set()
        try:
            await asyncio.sleep(10)
        finally:
            cancelled.set()
        return text

    async with probing(wait) as (server, _):
        remote = RemoteProbe(server.address)
        caller = asyncio.create_task(remote.say(""))
        await asyncio.wait_for(entered.wait(), 5)
        caller.cancel()
        await asyncio.wait_for(cancelled.wait(), 5)
        with pytest.raises(asyncio.CancelledError):
            await caller
        await remote.close()


async def test_only_repeatable_calls_are_repeated() -> None:
    calls = 0

    async def second_time(text: str, context: object) -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Unavailable("not yet")
        return text

    async with probing(second_time) as (server, _):
        once, again = RemoteProbe(server.address), RepeatingProbe(server.address)
        with pytest.raises(Unavailable, match="not yet"):
            await once.say("a")
        calls = 0
        assert await again.say("a") == "a" and calls == 2
        await once.close()
        await again.close()


async def test_a_fault_of_the_service_keeps_its_id() -> None:
    async def broken(text: str, context: object) -> str:
        raise RuntimeError("secret")

    async with probing(broken) as (server, _):
        remote = RemoteProbe(server.address)
        with pytest.raises(Internal, match="internal error") as caught:
            await remote.say("")
        assert len(caught.value.metadata["error_id"]) == 32
        await remote.close()
