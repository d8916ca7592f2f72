"""The inference service on servers of single services: its models, typed tensors, switch and drain."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from scenograph.cli.serve import serving
from scenograph.oip import inference_pb2 as pb
from scenograph.oip import inference_pb2_grpc
from scenograph.packs import Pack
from scenograph.runtime.settings import SessionSettings, load_settings
from scenograph.runtime.status import from_rpc_error
from scenograph.scene.errors import InvalidInput, QueueFull

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
        health: Any = health_pb2_grpc.HealthStub(c)
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


async def test_a_full_queue_is_said_with_a_time_to_retry(default_pack: Pack, tmp_path: Path) -> None:
    settings = load_settings(port=0, data_dir=tmp_path, sessions=SessionSettings(max_queue=1, workers=1))
    images = bytes(2 * 300 * 300 * 3)
    tensor = pb.ModelInferRequest.InferInputTensor(name="image", datatype="UINT8", shape=[2, 300, 300, 3])
    wanted = pb.ModelInferRequest.InferRequestedOutputTensor(name="boxes")
    request = pb.ModelInferRequest(
        model_name="detector", inputs=[tensor], outputs=[wanted], raw_input_contents=[images]
    )
    async with serving(settings, "encoder") as (server, _), grpc.aio.insecure_channel(server.address) as c:
        stub = inference_pb2_grpc.GRPCInferenceServiceStub(c)

        async def ask() -> pb.ModelInferResponse | QueueFull:
            try:
                return await stub.ModelInfer(request)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                refused = from_rpc_error(error)
                assert isinstance(refused, QueueFull)
                return refused

        answers = await asyncio.gather(*(ask() for _ in range(6)))
    refused = [answer for answer in answers if isinstance(answer, QueueFull)]
    assert refused and len(refused) < 6 and all(error.retry_after_s for error in refused)
    (answer, *_) = (answer for answer in answers if not isinstance(answer, QueueFull))
    assert list(answer.outputs[0].shape) == [2, 1917, 4]
    assert len(answer.raw_output_contents[0]) == 2 * 1917 * 4 * 4


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
