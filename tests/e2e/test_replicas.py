"""Replicas and services as real processes that are killed, stopped and brought back, under load."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, errors
from scenograph.gateway.remote_hashing import RemoteHashing
from scenograph.packs import Pack
from scenograph.runtime import deadline
from tests.e2e.conftest import PHOTOS, fill
from tests.e2e.photos import ITEMS
from tests.redis_process import free_port
from tests.telemetry.scraping import Scrape

PATIENCE_S = 60


def at(process: ServerProcess, host: str, port: int) -> ServerProcess:
    """The process, to listen there whenever it is started."""
    process.command += ["--host", host, "--port", str(port)]
    return process


def killed(process: ServerProcess) -> None:
    process.kill()
    process.stop()  # what is left of it here


def hashed(process: ServerProcess) -> float:
    """How many hashes a replica has made since it started."""
    told = Scrape(process.metrics_address)
    return told.sum(
        "scenograph_rpc_duration_seconds_count", method="scenograph.v1.HashingService/Hash", code="OK"
    )


async def test_a_replica_that_is_killed_costs_no_call_and_gets_its_share_again(
    default_pack: Pack, tmp_path: Path
) -> None:
    port, hosts = free_port(), ("127.0.0.2", "127.0.0.3")
    watched = {"SCENOGRAPH_METRICS_ADDRESS": "127.0.0.1:0", "SCENOGRAPH_INFERENCE_ENABLED": "false"}
    replicas = []
    for host in hosts:
        (tmp_path / host).mkdir()
        replicas.append(at(ServerProcess(tmp_path / host, "hashing", watched), host, port))
    remote = RemoteHashing("ipv4:" + ",".join(f"{host}:{port}" for host in hosts))
    vectors = np.eye(960, dtype=np.float32)[:1]
    answered, ended = 0, asyncio.Event()

    async def calls() -> None:
        nonlocal answered
        while not ended.is_set():
            with deadline.within(PATIENCE_S):
                assert len((await remote.hash(vectors, bits=64)).codes) == 1
            answered += 1

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not await asyncio.to_thread(condition):
                assert not any(one.done() for one in running)
                await asyncio.sleep(0.05)

    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(ServerProcess.start, replicas))
        running = [asyncio.create_task(calls()) for _ in range(4)]
        await until(lambda: all(hashed(one) > 20 for one in replicas))

        killed(replicas[1])
        survived = answered + 100
        await until(lambda: answered > survived)
        before = hashed(replicas[0])
        assert before > 100

        await asyncio.to_thread(replicas[1].start)
        await until(lambda: hashed(replicas[1]) > 50)
        ended.set()
        await asyncio.gather(*running)
    finally:
        ended.set()
        await remote.close()
        for one in replicas:
            one.stop()


@pytest.fixture(scope="module")
def pair(
    default_pack: Pack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """A gateway with all services but the index, and the index, to kill."""
    folder = tmp_path_factory.mktemp("pair")
    for name in ("index", "gateway"):
        (folder / name).mkdir()
    port = free_port()
    index = at(ServerProcess(folder / "index", "index"), "127.0.0.1", port)
    settings = {
        "SCENOGRAPH_GATEWAY_INDEX_ADDRESS": f"127.0.0.1:{port}",
        "SCENOGRAPH_METRICS_ADDRESS": "127.0.0.1:0",
    }
    gateway = ServerProcess(folder / "gateway", settings=settings)
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(ServerProcess.start, (index, gateway)))
        fill(gateway.address, ITEMS[:3])
        yield gateway, index
    finally:
        gateway.stop()
        index.stop()


def search(client: Client, timeout: float = 20.0) -> errors.ScenographError | None:
    """A search that no cache answers; how it failed, or None."""
    try:
        assert client.search(PHOTOS, text=f"a cat at {time.monotonic()}", timeout=timeout).hits
    except errors.ScenographError as error:
        return error
    return None


def until_refused(client: Client, timeout: float) -> errors.Unavailable:
    """Searches, several at a time, until one is refused because the index is left alone."""
    refused: list[errors.Unavailable] = []

    def caller() -> None:
        end = time.monotonic() + PATIENCE_S
        while not refused and time.monotonic() < end:
            error = search(client, timeout)
            assert error is not None
            if isinstance(error, errors.Unavailable) and error.retry_after is not None:
                refused.append(error)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: caller(), range(3)))
    assert refused
    return refused[0]


def until_found(client: Client) -> None:
    end = time.monotonic() + PATIENCE_S
    while (error := search(client)) is not None:
        assert time.monotonic() < end, error
        threading.Event().wait(0.05)


def circuit(gateway: ServerProcess) -> float:
    return Scrape(gateway.metrics_address).sum("scenograph_circuit_open", service="index")


def test_an_index_that_is_killed_and_comes_back(pair: tuple[ServerProcess, ServerProcess]) -> None:
    """The gateway's own health stays SERVING: it answers, and says what it lacks and when to try again."""
    gateway, index = pair
    with Client(gateway.address) as client:
        assert search(client) is None and circuit(gateway) == 0
        killed(index)
        refused = until_refused(client, 20.0)
        assert "the index service at 127.0.0.1" in str(refused) and refused.reason == "UNAVAILABLE"
        assert circuit(gateway) == 1
        assert client.health() == client.health("scenograph.v1.GatewayService") == "SERVING"
        assert client.server_info().pack_version
        index.start()
        until_found(client)
        assert circuit(gateway) == 0
    told = Scrape(gateway.metrics_address)
    assert told.sum("scenograph_circuit_refused_calls_total", service="index") > 0
    assert "the index service at 127.0.0.1" in gateway.log.read_text()


def test_an_index_that_hangs_is_left_alone(pair: tuple[ServerProcess, ServerProcess]) -> None:
    gateway, index = pair
    with Client(gateway.address) as client:
        until_found(client)
        assert index.process is not None
        index.process.send_signal(signal.SIGSTOP)
        try:
            refused = until_refused(client, 1.5)
            assert refused.retry_after is not None and circuit(gateway) == 1
        finally:
            index.process.send_signal(signal.SIGCONT)
        until_found(client)
        assert circuit(gateway) == 0
