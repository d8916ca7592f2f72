"""Calls spread over replicas: shares, names that change, and writes whose connection is cut."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.dns_server import DnsServer
from tests.redis_process import free_port
from tests.runtime.probe import NAME, register
from tests.runtime.test_remote_call import RemoteProbe, RepeatingProbe

from scenograph.cli.serve import serving
from scenograph.gateway.remote_index import RemoteIndex
from scenograph.runtime import deadline
from scenograph.runtime.contracts import Entry, Modality, Record, Write
from scenograph.runtime.server import Server, ServerOptions
from scenograph.runtime.settings import load_settings
from scenograph.scene.errors import Unavailable

HOSTS = ("127.0.0.2", "127.0.0.3")


@asynccontextmanager
async def replica(host: str, port: int, options: dict[str, Any] | None = None) -> AsyncIterator[Server]:
    """A server of the probe service that answers with its own address."""

    async def who(text: str, context: object) -> str:
        return host

    server = Server([NAME], ServerOptions(host=host, port=port, **(options or {})))
    await server.start()
    server.add(register(who))
    await server.ready()
    try:
        yield server
    finally:
        await server.stop()


async def test_each_replica_gets_its_share() -> None:
    port = free_port()
    async with replica(HOSTS[0], port), replica(HOSTS[1], port):
        remote = RemoteProbe("ipv4:" + ",".join(f"{host}:{port}" for host in HOSTS))
        met: Counter[str] = Counter()
        while len(met) < 2:  # both connections are made
            met[await remote.say("")] += 1
        shares = Counter([await remote.say("") for _ in range(40)])
        assert all(18 <= shares[host] <= 22 for host in HOSTS), shares
        await remote.close()


async def test_a_replica_that_is_new_is_found_as_connections_get_old() -> None:
    """Names are asked for again when a connection ends; by age it ends without a failed call."""
    port = free_port()
    ages = {"max_connection_age_s": 0.3, "max_connection_grace_s": 10.0}
    async with AsyncExitStack() as stack:
        dns = stack.enter_context(DnsServer(HOSTS[:1]))
        await stack.enter_async_context(replica(HOSTS[0], port, ages))
        remote = RemoteProbe(dns.target(port))  # its calls are not repeated
        stack.push_async_callback(remote.close)
        assert {await remote.say("") for _ in range(20)} == {HOSTS[0]}

        await stack.enter_async_context(replica(HOSTS[1], port, ages))
        dns.addresses = list(HOSTS)
        met = {HOSTS[0]}
        async with asyncio.timeout(30):
            while len(met) < 2:
                met.add(await remote.say(""))
                await asyncio.sleep(0.005)
        assert dns.questions > 1

        dns.addresses = list(HOSTS[1:])  # and one that is taken away gets none any more
        lately = [HOSTS[0]]
        async with asyncio.timeout(30):
            while HOSTS[0] in lately:
                lately = [*lately[-30:], await remote.say("")]
                await asyncio.sleep(0.005)


async def test_a_replica_that_fails_is_left_out_while_others_do_not() -> None:
    port, ill = free_port(), True

    async def behave(text: str, context: object) -> str:
        if ill:
            raise Unavailable("out of order")
        return HOSTS[1]

    server = Server([NAME], ServerOptions(host=HOSTS[1], port=port))
    await server.start()
    server.add(register(behave))
    await server.ready()
    async with replica(HOSTS[0], port):
        remote = RemoteProbe("ipv4:" + ",".join(f"{host}:{port}" for host in HOSTS))
        answers: list[str] = []
        async with asyncio.timeout(30):
            while len(answers) < 100 or "" in answers[-60:]:
                try:
                    answers.append(await remote.say(""))
                except Unavailable as error:
                    assert error.message == "out of order"  # every second call does not open the circuit
                    answers.append("")
                await asyncio.sleep(0.005)
        assert "" in answers and set(answers[-60:]) == {HOSTS[0]}
        await remote.close()
    await server.stop()


class Cutter:
    """A relay in front of a server, which cuts connections when the server has answered: the answer is lost.

    `cuts`: how many times it still does.
    """

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self.cuts = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Cutter:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection(self._host, self._port)
        self._writers |= {writer, back}

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(pump(reader, back), pump(onward, writer))


def written(item: str, request_id: str) -> Write:
    vector, code = np.ones(8, np.float32), np.zeros(8, np.uint8)
    entry = Entry(Modality.TEXT, 0, "a dog", None, vector, code)
    return Write(Record(item, (entry,), "default@1.0.0"), request_id, b"digest")


async def test_a_write_whose_connection_is_cut_is_sent_once_and_a_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored is not known then. Sent again with its request id, a write is told to be there."""
    calls: Counter[str] = Counter()
    async with serving(load_settings(port=0, data_dir=tmp_path), "index") as (server, apps):
        async with Cutter(server.address) as cutter:

            def counting(name: str, cut_after: int) -> None:
                plain: Callable[..., Any] = getattr(apps.index, name)

                async def counted(*args: Any, **kwargs: Any) -> Any:
                    calls[name] += 1
                    done = await plain(*args, **kwargs)
                    if calls[name] <= cut_after:
                        cutter.cut()
                    return done

                monkeypatch.setattr(apps.index, name, counted)

            remote = RemoteIndex(cutter.address)
            await remote.create_collection("photos", "default@1.0.0", 64)
            counting("upsert", cut_after=1)
            counting("get", cut_after=1)
            with pytest.raises(Unavailable), deadline.within(20):
                await remote.upsert("photos", [written("a", "r1")])
            assert calls["upsert"] == 1  # not repeated by itself, though its answer was lost
            async with asyncio.timeout(20):
                while True:
                    with suppress(Unavailable):  # not sent: a broken connection comes out bit by bit
                        again = await remote.upsert("photos", [written("a", "r1")])
                        break
                    await asyncio.sleep(0.05)
            assert again.replayed == [True] and calls["upsert"] == 2
            with deadline.within(20):
                (record,), _ = await remote.get("photos", ["a"])
            assert record.id == "a" and calls["get"] == 2
            assert (await remote.get_collection("photos")).items == 1
            await remote.close()


async def test_callers_see_a_drain_and_do_not_hold_it_up() -> None:
    """They watch the health of each server: new calls go to others before it refuses any."""
    port = free_port()
    options = {"drain_delay_s": 0.5, "drain_grace_s": 60.0}
    async with replica(HOSTS[0], port, options) as leaving, replica(HOSTS[1], port):
        remote = RemoteProbe("ipv4:" + ",".join(f"{host}:{port}" for host in HOSTS))
        while await remote.say("") != HOSTS[0]:
            pass
        drain = asyncio.create_task(leaving.drain())
        async with asyncio.timeout(20):  # far less than the grace
            while not drain.done():
                assert await remote.say("") in HOSTS
                await asyncio.sleep(0.005)
        assert {await remote.say("") for _ in range(10)} == {HOSTS[1]}
        await remote.close()


async def test_a_drain_takes_the_calls_that_have_arrived() -> None:
    """gRPC cancels those that no handler has taken when a server stops."""
    port = free_port()
    async with replica(HOSTS[0], port, {"drain_grace_s": 10.0}) as leaving:
        remote = RemoteProbe(f"{HOSTS[0]}:{port}")
        await remote.say("")
        waiting = await _arrived(remote)
        await leaving.drain()
        assert await asyncio.gather(*waiting) == [HOSTS[0]] * len(waiting)
        await remote.close()


async def test_a_read_that_was_not_taken_by_a_server_that_stops_is_sent_to_another() -> None:
    port = free_port()
    async with replica(HOSTS[0], port) as leaving, replica(HOSTS[1], port):
        remote = RepeatingProbe("ipv4:" + ",".join(f"{host}:{port}" for host in HOSTS))
        while {await remote.say(""), await remote.say("")} != set(HOSTS):
            pass
        waiting = await _arrived(remote)
        await leaving.stop(10.0)
        met = Counter(await asyncio.gather(*waiting))
        assert met[HOSTS[1]] > len(waiting) / 2 and met.total() == len(waiting)
        await remote.close()


async def _arrived(remote: RemoteProbe) -> list[asyncio.Task[str]]:
    """Calls that have reached a server of this event loop, which has not taken most of them."""
    waiting = [asyncio.create_task(remote.say("")) for _ in range(40)]
    for _ in range(5):
        await asyncio.sleep(0)  # they are sent
    time.sleep(0.5)  # noqa: ASYNC251  nothing is taken while the loop stands
    return waiting
