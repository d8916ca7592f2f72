"""`scenograph serve`, as real processes and in this one."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.packs.versions import linked_version

from scenograph.cli.serve import serving
from scenograph.cli.server_process import ServerProcess
from scenograph.gateway.remote_hashing import RemoteHashing
from scenograph.gateway.remote_index import RemoteIndex
from scenograph.packs import Pack
from scenograph.runtime import deadline
from scenograph.runtime.logs import request_id
from scenograph.runtime.settings import load_settings
from scenograph.scene.errors import (
    CollectionNotFound,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidInput,
    PackNotFound,
    Unavailable,
)
from scenograph.v1 import admin_pb2, textual_pb2
from scenograph.v1.admin_pb2_grpc import AdminServiceStub
from scenograph.v1.textual_pb2_grpc import TextualGraphServiceStub


class SeenIds(logging.Handler):
    """The request ids under which lines were logged."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.ids.append(request_id.get())


async def test_one_service_in_this_process(default_pack: Pack, tmp_path: Path) -> None:
    vectors = np.eye(960, dtype=np.float32)[:3]
    async with serving(load_settings(port=0, data_dir=tmp_path), "hashing") as (server, apps):
        remote = RemoteHashing(server.address)
        far = await remote.hash(vectors, bits=64)
        near = await apps.hashing.hash(vectors, bits=64)
        with pytest.raises(InvalidInput) as caught:
            await remote.hash(vectors, bits=65)
        await remote.close()
    assert np.array_equal(far.codes, near.codes) and far.pack_version == near.pack_version == default_pack.id
    assert caught.value.violations[0].field == "bits"


async def test_an_index_needs_no_pack(tmp_path: Path) -> None:
    settings = load_settings(port=0, data_dir=tmp_path, packs=tmp_path / "none")
    async with serving(settings, "index") as (server, _):
        remote = RemoteIndex(server.address)
        made = await remote.create_collection("photos", "default@1.0.0", 128)
        assert (await remote.list_collections())[0] == [made]
        with pytest.raises(CollectionNotFound):
            await remote.get_collection("nothing")
        with pytest.raises(DeadlineExceeded), deadline.within(0):
            await remote.get_collection("photos")
        await remote.close()


async def test_an_index_folder_is_served_once(tmp_path: Path) -> None:
    settings = load_settings(port=0, data_dir=tmp_path)
    async with serving(settings, "index"):
        with pytest.raises(FailedPrecondition):
            async with serving(settings, "index"):
                pass
    async with serving(settings, "index"):
        pass


async def test_a_service_that_went_away_is_unavailable(tmp_path: Path) -> None:
    async with serving(load_settings(port=0, data_dir=tmp_path), "index") as (server, _):
        remote = RemoteIndex(server.address)
        await remote.list_collections()
    with pytest.raises(Unavailable), deadline.within(5):
        await remote.list_collections()
    await remote.close()


async def test_the_request_id_travels_on(tmp_path: Path) -> None:
    handler = SeenIds()
    access = logging.getLogger("scenograph.access")
    access.addHandler(handler)
    access.setLevel(logging.INFO)
    async with serving(load_settings(port=0, data_dir=tmp_path), "index") as (server, _):
        remote = RemoteIndex(server.address)
        token = request_id.set("from-the-gateway")
        await remote.list_collections()
        request_id.reset(token)
        await remote.close()
    access.removeHandler(handler)
    access.setLevel(logging.NOTSET)
    assert handler.ids == ["from-the-gateway"]


async def test_a_missing_pack_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(PackNotFound, match="scenograph pack build"):
        async with serving(load_settings(port=0, data_dir=tmp_path, packs=tmp_path), "hashing"):
            pass


async def test_an_unknown_service_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no service 'hash'; there are visual"):
        async with serving(load_settings(port=0, data_dir=tmp_path), "hash"):
            pass


def test_a_process_says_where_it_serves_and_drains_on_sigterm(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path, "index", {"SCENOGRAPH_LOG_FORMAT": "json"})
    with process as address:
        with grpc.insecure_channel(address) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(service="scenograph.v1.IndexService"))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert process.process is not None
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(20) == 0
    messages = [json.loads(line)["message"] for line in process.log.read_text().splitlines()]
    assert messages[-2:] == ["SIGTERM: draining", "stopped"]


def test_a_process_may_be_ended_before_it_is_ready(default_pack: Pack, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scenograph.cli", "serve", "encoder", "--port", "0"]
    with subprocess.Popen([*command, "--data", str(tmp_path)], stderr=subprocess.PIPE, text=True) as process:
        while not catches_sigterm(process.pid):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM and "Traceback" not in errors


def catches_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_a_serving_process_has_no_torch(default_pack: Pack, tmp_path: Path) -> None:
    code = f"""
import asyncio
import sys
import scenograph.cli.serve, scenograph.cli.compose.remotes
import scenograph.visual.servicer, scenograph.textual.servicer, scenograph.encoder.servicer
import scenograph.hashing.servicer, scenograph.matching.servicer, scenograph.index.servicer
import scenograph.gateway.servicer
from scenograph.runtime.settings import load_settings

async def serve():
    async with scenograph.cli.serve.serving(load_settings(port=0, data_dir={str(tmp_path)!r})) as (_, apps):
        return await apps.textual.parse(["a dog on a sofa"])

assert len(asyncio.run(serve()).results[0].nodes) == 2
unwanted = "torch torch_geometric scenograph.nn scenograph.onnx scenograph.packs.build"
heavy = set(sys.modules) & set(unwanted.split())
sys.exit(f"imported: {{heavy}}" if heavy else 0)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


async def test_a_call_ends_on_the_pack_it_began_with(default_pack: Pack, tmp_path: Path) -> None:
    packs = tmp_path / "packs"
    old, new = (linked_version(default_pack, packs, version) for version in ("1.0.0", "2.0.0"))
    settings = load_settings(port=0, data_dir=tmp_path, packs=packs, pack=old.id)
    async with (
        serving(settings, "textual") as (server, _),
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        admin, textual = AdminServiceStub(channel), TextualGraphServiceStub(channel)
        stream = textual.StreamTexts()
        await stream.write(textual_pb2.StreamTextsRequest(id="1", text="a dog"))
        first = await stream.read()
        await admin.LoadPack(admin_pb2.LoadPackRequest(pack=new.id))
        await admin.SetDefaultPack(admin_pb2.SetDefaultPackRequest(pack=new.id))
        unloading = asyncio.ensure_future(admin.UnloadPack(admin_pb2.UnloadPackRequest(pack=old.id)))
        while True:
            listed = {each.pack: each for each in (await admin.ListPacks(admin_pb2.ListPacksRequest())).packs}
            if listed[old.id].state == admin_pb2.PACK_STATE_UNLOADING:
                break
        assert not unloading.done()
        await stream.write(textual_pb2.StreamTextsRequest(id="2", text="a cat"))
        second = await stream.read()
        other = await textual.ParseText(textual_pb2.ParseTextRequest(text="a cow"))
        await stream.done_writing()
        assert await stream.read() == grpc.aio.EOF
        await unloading
        listed = {each.pack: each for each in (await admin.ListPacks(admin_pb2.ListPacksRequest())).packs}
    assert isinstance(first, textual_pb2.StreamTextsResponse)
    assert isinstance(second, textual_pb2.StreamTextsResponse)
    assert first.pack_version == second.pack_version == old.id and second.result.graph.nodes
    assert other.pack_version == new.id and list(listed) == [new.id]
