"""The circuit breaker: when it opens, what it lets through, and when it closes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest
from tests.runtime.probe import probing
from tests.runtime.test_remote_call import RemoteProbe

from scenograph.gateway.circuit import HANGING_S, LONGEST_WAIT_S, Circuit
from scenograph.gateway.reaching import PLAINLY
from scenograph.runtime import deadline
from scenograph.runtime.status import from_status, to_status
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.scene.errors import (
    CollectionNotFound,
    DeadlineExceeded,
    QueueFull,
    ScenographError,
    Unavailable,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A circuit with a clock to turn."""

    def __init__(self, failures: int = 3) -> None:
        self.clock, self.metrics = Clock(), Metrics()
        self.circuit = Circuit(
            "index", "host:1", failures=failures, wait_s=1.0, metrics=self.metrics, clock=self.clock
        )

    def call(self, error: BaseException | None = None, seconds: float = 0.0) -> None:
        """A call that ends in that error, which is not raised again."""
        try:
            with self.circuit.attempt():
                self.clock.now += seconds
                if error is not None:
                    raise error
        except BaseException as raised:
            if raised is not error:
                raise

    @property
    def open(self) -> bool:
        return self.metrics.registry.get_sample_value("scenograph_circuit_open", {"service": "index"}) == 1

    @property
    def refused(self) -> float:
        name = "scenograph_circuit_refused_calls_total"
        return self.metrics.registry.get_sample_value(name, {"service": "index"}) or 0.0


DOWN = Unavailable("no connection")


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    watched = Watched()
    for error in (DOWN, DOWN, None, DOWN, DOWN, CollectionNotFound("x"), DOWN, DOWN, QueueFull("full"), DOWN):
        watched.call(error)
    assert not watched.open
    watched.call(DOWN)
    watched.call(DOWN)
    assert watched.open
    with pytest.raises(Unavailable, match="index service at host:1 failed 3 times in a row") as caught:
        watched.call()
    assert caught.value.retry_after_s == 1.0 and watched.refused == 1


def test_one_call_tries_and_closes_it() -> None:
    watched = Watched()
    for _ in range(3):
        watched.call(DOWN)
    watched.clock.now += 1.0
    with watched.circuit.attempt():  # meanwhile all others are refused
        for _ in range(2):
            with pytest.raises(Unavailable, match="in a row"):
                watched.call()
    assert not watched.open
    watched.call(DOWN)
    watched.call()
    assert watched.refused == 2


def test_the_wait_doubles_up_to_a_bound_and_begins_anew() -> None:
    watched, waits = Watched(), []
    for _ in range(3):
        watched.call(DOWN)
    for _ in range(7):
        with pytest.raises(Unavailable) as caught:
            watched.call()
        assert caught.value.retry_after_s is not None
        waits.append(caught.value.retry_after_s)
        watched.clock.now += waits[-1]
        watched.call(DOWN)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_WAIT_S, LONGEST_WAIT_S]
    watched.clock.now += LONGEST_WAIT_S
    watched.call()
    for _ in range(3):
        watched.call(DOWN)
    with pytest.raises(Unavailable) as caught:
        watched.call()
    assert caught.value.retry_after_s == 1.0


def test_time_that_ran_out_counts_where_there_was_time() -> None:
    late = DeadlineExceeded("too late")
    short, long, cancelled = Watched(), Watched(), Watched()
    for _ in range(10):
        short.call(late, HANGING_S / 2)
        cancelled.call(asyncio.CancelledError(), 60)  # the caller went away
    for _ in range(3):
        long.call(late, HANGING_S)
    assert not short.open and not cancelled.open and long.open


def test_a_stage_whose_time_is_over_counts_too() -> None:
    """The gateway cancels what a stage has begun."""
    watched = Watched()
    with deadline.within(0.0):
        for _ in range(3):
            watched.call(asyncio.CancelledError(), HANGING_S)
    assert watched.open


def test_a_try_that_tells_nothing_leaves_the_next_call_to_try() -> None:
    watched = Watched()
    for _ in range(3):
        watched.call(DOWN)
    watched.clock.now += 1.0
    watched.call(asyncio.CancelledError())
    watched.call()
    assert not watched.open


def test_calls_that_began_before_change_nothing_but_by_success() -> None:
    watched = Watched(failures=1)
    with pytest.raises(Unavailable), watched.circuit.attempt():
        watched.call(DOWN)
        watched.clock.now += 0.5
        raise DOWN
    with pytest.raises(Unavailable) as caught:
        watched.call()
    assert caught.value.retry_after_s == 1.0 and watched.open
    watched.clock.now += 0.6
    watched.call()  # it tries: one second after the failure that opened the circuit, not 1.5
    assert not watched.open


def test_without_a_limit_it_never_opens() -> None:
    watched = Watched(failures=0)
    for _ in range(50):
        watched.call(DOWN)
    assert not watched.open


def test_the_time_to_retry_goes_over_the_wire() -> None:
    told = from_status(to_status(Unavailable("later", retry_after_s=1.5)))
    assert isinstance(told, Unavailable) and told.retry_after_s == 1.5


async def test_a_service_that_hangs_is_left_alone_and_found_again(caplog: pytest.LogCaptureFixture) -> None:
    hangs, entered = True, 0

    async def behave(text: str, context: object) -> str:
        nonlocal entered
        entered += 1
        if hangs:
            await asyncio.sleep(60)
        return text

    caplog.set_level(logging.INFO, "scenograph.gateway.circuit")
    metrics = Metrics()
    async with probing(behave) as (server, _):
        remote = RemoteProbe(server.address, replace(PLAINLY, failures=3, wait_s=0.2, metrics=metrics))

        async def say() -> str | ScenographError:
            try:
                with deadline.within(HANGING_S + 0.1):
                    return await remote.say("x")
            except ScenographError as error:
                return error

        found = await asyncio.gather(*(say() for _ in range(3)))
        assert all(isinstance(error, DeadlineExceeded) for error in found)
        refused = await say()
        assert isinstance(refused, Unavailable) and refused.retry_after_s is not None
        assert entered == 3
        hangs = False
        while (answer := await say()) != "x":
            assert isinstance(answer, Unavailable)
            await asyncio.sleep(0.02)
        assert entered == 4
        await remote.close()
    told = [record.message for record in caplog.records if record.name == "scenograph.gateway.circuit"]
    assert "not called for 0.2 s" in told[0] and told[1].endswith("is back") and len(told) == 2
