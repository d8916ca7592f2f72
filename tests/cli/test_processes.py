"""Several processes on one port: all serve, one index, the dead come back, the end is in order."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.telemetry.scraping import Scrape

from scenograph.cli.server_process import ServerProcess
from scenograph.cli.supervisor import reserved
from scenograph.client import AsyncClient, Client, Item
from scenograph.packs import Pack
from scenograph.runtime.server import Server, ServerOptions
from scenograph.scene.errors import FailedPrecondition
from scenograph.v1 import common_pb2
from scenograph.v1 import gateway_pb2 as pb
from scenograph.v1 import gateway_pb2_grpc as pb_grpc

pytestmark = pytest.mark.pack

PATIENCE_S = 120.0
SETTINGS = {"SCENOGRAPH_PROCESSES": "2", "SCENOGRAPH_METRICS_ADDRESS": "127.0.0.1:0"}


@pytest.fixture(scope="module")
def several(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Two processes and one of the index, with a collection `photos` of three sentences."""
    process = ServerProcess(tmp_path_factory.mktemp("several"), settings=SETTINGS)
    with process as address:
        with Client(address) as client:
            client.create_collection("photos")
            texts = ["a dog on a red sofa", "two children at the beach", "a cat looks at a bird"]
            stored = client.ingest("photos", [Item(f"t{n}", None, [text]) for n, text in enumerate(texts)])
            assert all(status.ok for status in stored)
        yield process


def part(process: ServerProcess, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in process.ready["processes"] if one["name"] == name)
    return found


@contextmanager
def connection(address: str) -> Iterator[grpc.Channel]:
    """A connection of its own: the kernel chooses the process."""
    with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield channel


def found(channel: grpc.Channel, text: str) -> list[str]:
    query = pb.Query(parts=[pb.QueryPart(text=text)])
    request = pb.SearchRequest(collection="photos", query=query, returning=common_pb2.MODALITY_TEXT)
    answer = pb_grpc.GatewayServiceStub(channel).Search(request, timeout=PATIENCE_S, wait_for_ready=True)
    return [hit.item_id for hit in answer.hits]


def wait_until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_all_processes_answer_from_one_index(several: ServerProcess) -> None:
    for _ in range(30):
        with connection(several.address) as channel:
            assert found(channel, "a dog")[0] == "t0"
    calls = "scenograph_rpc_duration_seconds_count"
    searches = "scenograph.v1.GatewayService/Search"
    counts = [
        Scrape(one["metrics"]).sum(calls, method=searches)
        for one in several.ready["processes"]
        if one["name"] != "index"
    ]
    assert len(counts) == 2 and all(counts) and sum(counts) == 30
    size = Scrape(part(several, "index")["metrics"]).sum("scenograph_collection_items", collection="photos")
    assert size == 3


def test_a_port_is_served_once(several: ServerProcess) -> None:
    port = int(several.address.rpartition(":")[2])
    with pytest.raises(FailedPrecondition, match="is the port in use"), reserved("127.0.0.1", port):
        pass
    with pytest.raises(FailedPrecondition, match="is the port in use"):
        asyncio.run(Server([], ServerOptions(port=port)).start())


@pytest.mark.parametrize("name", ["worker 1", "index"])
def test_a_killed_process_comes_back(several: ServerProcess, name: str) -> None:
    told = several.log.read_text().count(f"{name} is back")
    os.kill(part(several, name)["pid"], signal.SIGKILL)
    if name != "index":
        for _ in range(10):  # the others go on
            with connection(several.address) as channel:
                assert found(channel, "a cat")[0] == "t2"
    wait_until(lambda: several.log.read_text().count(f"{name} is back") > told, f"{name} is not back")
    for _ in range(10):
        with connection(several.address) as channel:
            wait_until(partial(finds, channel, "two children", "t1"), "the item is lost")
    new = re.findall(rf"{name} is back, process (\d+)", several.log.read_text())[-1]
    assert not gone(int(new))
    part(several, name)["pid"] = int(new)


def finds(channel: grpc.Channel, text: str, item: str) -> bool:
    try:
        return found(channel, text)[0] == item
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.UNAVAILABLE  # its worker connects to the new index
        return False


async def test_the_end_fails_no_call_that_is_under_way(default_pack: Pack, tmp_path: Path) -> None:
    process = ServerProcess(tmp_path, settings=SETTINGS)
    await asyncio.to_thread(process.start)
    assert process.process is not None
    held: asyncio.Queue[Item | None] = asyncio.Queue()

    async def items() -> Any:
        while (item := await held.get()) is not None:
            yield item

    try:
        async with AsyncClient(process.address, timeout=PATIENCE_S) as client:
            await client.create_collection("photos")
            statuses = client.ingest("photos", items())
            held.put_nowait(Item("before", None, ["a dog"]))
            assert (await anext(statuses)).ok
            process.process.send_signal(signal.SIGTERM)
            drained = process.log
            await asyncio.to_thread(
                wait_until, lambda: drained.read_text().count("SIGTERM: draining") == 2, "no drain"
            )
            held.put_nowait(Item("after", None, ["a cat"]))
            assert (await anext(statuses)).ok
            held.put_nowait(None)
            assert [status async for status in statuses] == []
        assert await asyncio.to_thread(process.process.wait, PATIENCE_S) == 0
        assert all(gone(one["pid"]) for one in process.ready["processes"])
    finally:
        await asyncio.to_thread(process.stop)


def test_workers_do_not_outlive_their_supervisor(default_pack: Pack, tmp_path: Path) -> None:
    process = ServerProcess(tmp_path, "hashing", SETTINGS)
    with process:
        pids = [one["pid"] for one in process.ready["processes"]]
        assert len(pids) == 2
        process.kill()
        wait_until(lambda: all(map(gone, pids)), "workers go on")


def test_what_cannot_start_says_why(default_pack: Pack, tmp_path: Path) -> None:
    none = {"SCENOGRAPH_PACKS": str(tmp_path / "none")}
    with (
        pytest.raises(ValueError, match="scenograph pack build"),
        ServerProcess(tmp_path, "hashing", SETTINGS | none),
    ):
        pass
    with (
        pytest.raises(ValueError, match="belongs to one process"),
        ServerProcess(tmp_path, "index", SETTINGS),
    ):
        pass
