"""Which searches are worked on, by events and not by the clock; over gRPC, what passes a full gateway by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.gateway.harness import FaultyMatching, gateway_with
from tests.serving import serving_one

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.admission import Admission
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.limits import Limits
from scenograph.gateway.sent import SentAnswers
from scenograph.gateway.servicer import GatewayServicer
from scenograph.runtime import deadline
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.scene.errors import QueueFull
from scenograph.v1 import gateway_pb2 as pb
from scenograph.v1 import gateway_pb2_grpc as pb_grpc

SERVICE = "scenograph.v1.GatewayService"


class Work:
    """Searches that run until they are told to end."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.running: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def start(self, name: str, *, again: bool = False) -> asyncio.Task[None]:
        self._ends[name] = asyncio.Event()
        return asyncio.create_task(self._one(name, again))

    async def _one(self, name: str, again: bool) -> None:
        async with self.admission.turn(again=again):
            self.running.append(name)
            await self._ends[name].wait()
            self.running.remove(name)

    async def end(self, name: str, task: asyncio.Task[None]) -> None:
        self._ends[name].set()
        await task
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_bounded_number_runs_and_others_follow_in_order() -> None:
    work = Work(Admission(at_once=2, waiting=2))
    tasks = {name: work.start(name) for name in "abcd"}
    await settled()
    assert work.running == ["a", "b"]
    await work.end("b", tasks["b"])
    assert work.running == ["a", "c"]
    await work.end("a", tasks["a"])
    assert work.running == ["c", "d"]
    await work.end("c", tasks["c"])
    await work.end("d", tasks["d"])
    assert not work.running


async def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    metrics = Metrics()
    work = Work(Admission(at_once=1, waiting=1, metrics=metrics))
    tasks = {name: work.start(name) for name in "ab"}
    await settled()

    def value(name: str) -> float | None:
        return metrics.registry.get_sample_value(name, {"queue": "searches"})

    with pytest.raises(QueueFull) as caught:
        await work.start("c")
    assert caught.value.retry_after_s is not None and caught.value.retry_after_s > 0
    assert (value("scenograph_queue_refused_calls_total"), value("scenograph_queue_rows")) == (1, 1)
    again = work.start("d", again=True)
    await settled()
    assert work.running == ["a"]
    for name, task in (("a", tasks["a"]), ("b", tasks["b"]), ("d", again)):
        await work.end(name, task)
    assert value("scenograph_queue_wait_seconds_count") == 3


async def test_what_cannot_be_done_in_time_is_refused() -> None:
    admission = Admission(at_once=1, waiting=10, wait_s=60)
    async with admission.turn():
        await asyncio.sleep(0.1)
    work = Work(admission)
    running = work.start("a")
    await settled()
    with pytest.raises(QueueFull), deadline.within(0.15):  # its turn comes after 0.1 s, it takes as long
        await work.start("b")
    with deadline.within(60):
        patient = work.start("c")
    await work.end("a", running)
    await work.end("c", patient)


async def test_the_longest_wait_is_bounded() -> None:
    admission = Admission(at_once=1, waiting=10, wait_s=0.01)
    async with admission.turn():
        await asyncio.sleep(0.1)
    work = Work(admission)
    running = work.start("a")
    await settled()
    with pytest.raises(QueueFull):
        await work.start("b")
    await work.end("a", running)


@pytest.mark.parametrize("moment", ["waiting", "as its turn comes"])
async def test_who_goes_away_leaves_no_gap(moment: str) -> None:
    work = Work(Admission(at_once=1, waiting=5))
    tasks = {name: work.start(name) for name in "abc"}
    await settled()
    if moment == "waiting":
        tasks["b"].cancel()
        await settled()
        await work.end("a", tasks["a"])
    else:
        work._ends["a"].set()
        await asyncio.sleep(0)
        tasks["b"].cancel()
        await settled()
    assert work.running == ["c"]
    await work.end("c", tasks["c"])
    last = work.start("d")
    await settled()
    assert work.running == ["d"]
    await work.end("d", last)


class Full:
    """A gateway that works on one search and lets none wait."""

    def __init__(self, apps: Apps, folder: Path) -> None:
        self.matching = FaultyMatching(apps.matching)
        self.app = gateway_with(
            apps, folder, matching=self.matching, limits=Limits(searches=1, waiting_searches=0)
        )


@pytest.fixture
async def full(apps: Apps, gateway: GatewayApp, tmp_path: Path) -> AsyncIterator[tuple[Full, Any]]:
    full = Full(apps, tmp_path)
    servicer = GatewayServicer(full.app, SentAnswers(full.app, max_bytes=2**20))
    async with serving_one(
        SERVICE, lambda server: pb_grpc.add_GatewayServiceServicer_to_server(servicer, server)
    ) as channel:
        yield full, channel


def search(text: str) -> pb.SearchRequest:
    return pb.SearchRequest(collection="photos", query=pb.Query(parts=[pb.QueryPart(text=text)]))


@pytest.mark.pack
async def test_a_full_gateway_refuses_at_once_and_answers_what_it_knows(full: tuple[Full, Any]) -> None:
    gateway, channel = full
    stub = pb_grpc.GatewayServiceStub(channel)
    known = await stub.Search(search("a cat looks at me"))
    gateway.matching.delay_s = 60
    gateway.matching.called.clear()
    running = stub.Search(search("a rocket flies"), timeout=120)
    await asyncio.wait_for(gateway.matching.called.wait(), 60)

    asked = time.monotonic()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(search("a cup of coffee"), timeout=30)
    assert time.monotonic() - asked < 30 and caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert retry_s(caught.value) > 0

    answer = await stub.Search(search("a cat looks at me"), timeout=30)
    assert answer.report.cache == pb.CACHE_STATUS_HIT and list(answer.hits) == list(known.hits)
    health: Any = health_pb2_grpc.HealthStub(channel)
    status = (await health.Check(health_pb2.HealthCheckRequest())).status
    assert status == health_pb2.HealthCheckResponse.SERVING

    running.cancel()
    gateway.matching.delay_s = 0
    for _ in range(200):  # the place of the call that went away is free soon
        try:
            assert (await stub.Search(search("a cup of coffee"), timeout=30)).hits
            break
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            await asyncio.sleep(0.02)
    else:
        pytest.fail("the cancelled search keeps its place")
    assert gateway.matching.cancelled == 1


def rank(text: str) -> pb.RankRequest:
    candidates = [pb.RankCandidate(text=said) for said in ("a dog sleeps", "a cat looks at me")]
    return pb.RankRequest(query=pb.Query(parts=[pb.QueryPart(text=text)]), candidates=candidates)


@pytest.mark.pack
async def test_ranks_have_a_queue_of_their_own(full: tuple[Full, Any]) -> None:
    gateway, channel = full
    stub = pb_grpc.GatewayServiceStub(channel)
    gateway.matching.delay_s = 60
    gateway.matching.called.clear()
    running = stub.Rank(rank("a cat"), timeout=120)
    await asyncio.wait_for(gateway.matching.called.wait(), 60)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Rank(rank("a dog"), timeout=30)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert retry_s(caught.value) > 0 and "ranks" in (caught.value.details() or "")
    gateway.matching.delay_s = 0
    assert (await stub.Search(search("a cup of coffee"), timeout=30)).hits
    running.cancel()
    for _ in range(200):
        try:
            assert (await stub.Rank(rank("a cat"), timeout=30)).hits[0].text == "a cat looks at me"
            break
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            await asyncio.sleep(0.02)
    else:
        pytest.fail("the cancelled rank keeps its place")


def retry_s(error: grpc.aio.AioRpcError) -> float:
    found = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    assert isinstance(found, bytes)
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in status_pb2.Status.FromString(found).details)
    return float(retry.retry_delay.ToNanoseconds() / 1e9)
