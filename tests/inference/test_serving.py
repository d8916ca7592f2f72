"""The inference service on servers of single services: which models it has, typed tensors, switch and drain."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from scenograph.cli.serve import serving
from scenograph.oip import inference_pb2 as pb
from scenograph.oip import inference_pb2_grpc
from scenograph.packs import Pack
from scenograph.runtime.settings import load_settings
from scenograph.runtime.status import from_rpc_error
from scenograph.scene.errors import InvalidInput

NAME = "inference.GRPCInferenceService"


async def test_hashing_serves_its_models(default_pack: Pack, tmp_path: Path) -> None:
    vector = np.random.default_rng(0).normal(size=(1, 960)).astype(np.float32)
    settings = load_settings(port=0, data_dir=tmp_path)
    async with serving(settings, "hashing") as (server, apps), grpc.aio.insecure_channel(server.address) as c:
        stub = inference_pb2_grpc.GRPCInferenceServiceStub(c)
        own = await apps.hashing.hash(vector)
        index = await stub.RepositoryIndex(pb.RepositoryIndexRequest(ready=True))
        tensor = pb.ModelInferRequest.InferInputTensor(
            name="embedding",
            datatype="FP32",
            shape=vector.shape,
            contents=pb.InferTensorContents(fp32_contents=vector.ravel()),
        )
        request = pb.ModelInferRequest(model_name="hash_embedding", id="7", inputs=[tensor])
        answer = await stub.ModelInfer(request)
        tensor.contents.fp32_contents[0] = float("nan")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ModelInfer(pb.ModelInferRequest(model_name="hash_embedding", inputs=[tensor]))
        health = health_pb2_grpc.HealthStub(c)
        status = (await health.Check(health_pb2.HealthCheckRequest(service=NAME))).status
    assert [model.name for model in index.models] == ["hash_embedding", "hash_head"]
    code, projections = answer.outputs
    assert (answer.id, answer.model_version) == ("7", default_pack.version)
    assert not answer.raw_output_contents and len(projections.contents.fp32_contents) == 256
    assert (code.name, code.datatype, list(code.shape)) == ("code", "UINT8", [1, 32])
    assert bytes(code.contents.uint_contents) == own.codes.tobytes()
    error = from_rpc_error(caught.value)
    assert isinstance(error, InvalidInput) and error.violations[0].field == "inputs[embedding]"
    assert error.message == 'input "embedding", element 0: has values that are not finite'
    assert status == health_pb2.HealthCheckResponse.SERVING


async def test_matching_serves_its_models(default_pack: Pack, tmp_path: Path) -> None:
    settings = load_settings(port=0, data_dir=tmp_path)
    async with serving(settings, "matching") as (server, _), grpc.aio.insecure_channel(server.address) as c:
        index = await inference_pb2_grpc.GRPCInferenceServiceStub(c).RepositoryIndex(
            pb.RepositoryIndexRequest(repository_name=default_pack.name)
        )
    assert [model.name for model in index.models] == [
        "graph_matcher",
        "text_encoder",
        "text_units",
        "unit_matcher",
    ]


async def test_a_draining_server_is_live_but_not_ready(default_pack: Pack, tmp_path: Path) -> None:
    settings = load_settings(port=0, data_dir=tmp_path, drain_delay_s=60)
    async with serving(settings, "hashing") as (server, _), grpc.aio.insecure_channel(server.address) as c:
        stub = inference_pb2_grpc.GRPCInferenceServiceStub(c)
        before = await stub.ServerReady(pb.ServerReadyRequest())
        drain = asyncio.create_task(server.drain())
        await asyncio.sleep(0)
        after = await stub.ServerReady(pb.ServerReadyRequest())
        live = await stub.ServerLive(pb.ServerLiveRequest())
        drain.cancel()
    assert (before.ready, after.ready, live.live) == (True, False, True)


async def test_it_can_be_switched_off(
    default_pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENOGRAPH_INFERENCE_ENABLED", "false")
    settings = load_settings(port=0, data_dir=tmp_path)
    async with serving(settings, "hashing") as (server, _), grpc.aio.insecure_channel(server.address) as c:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await inference_pb2_grpc.GRPCInferenceServiceStub(c).ServerLive(pb.ServerLiveRequest())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED and NAME not in server.services
