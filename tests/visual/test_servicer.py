"""VisualGraphService over a real server: unary, batch and stream."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from tests.serving import serving_one
from tests.support import sample_photo

from scenograph.runtime.sessions import Sessions
from scenograph.runtime.status import from_rpc_error
from scenograph.runtime.vision import Vision
from scenograph.scene.errors import InvalidImage, InvalidInput
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.vocabulary import Vocabulary
from scenograph.v1 import common_pb2, visual_pb2_grpc
from scenograph.v1 import visual_pb2 as pb
from scenograph.visual.app import VisualApp
from scenograph.visual.servicer import VisualServicer

CAT = common_pb2.Image(content=sample_photo("chelsea.png").read_bytes())
CUP = common_pb2.Image(content=sample_photo("coffee.png").read_bytes())
BAD = common_pb2.Image(content=b"not an image")


@pytest.fixture(scope="module")
async def stub(sessions: Sessions) -> AsyncIterator[visual_pb2_grpc.VisualGraphServiceAsyncStub]:
    app = VisualApp(sessions, Vision(sessions), Taxonomy.from_vocabulary(Vocabulary.load()))
    servicer = VisualServicer(app, in_flight=2)

    def register(server: grpc.aio.Server) -> None:
        visual_pb2_grpc.add_VisualGraphServiceServicer_to_server(servicer, server)

    async with serving_one("scenograph.v1.VisualGraphService", register) as channel:
        yield visual_pb2_grpc.VisualGraphServiceStub(channel)


async def test_one(stub: visual_pb2_grpc.VisualGraphServiceAsyncStub) -> None:
    answer = await stub.BuildVisualGraph(pb.BuildVisualGraphRequest(image=CAT, include_features=True))
    assert "cat" in {node.label for node in answer.visual.graph.nodes}
    assert (answer.visual.width, answer.visual.height) == (451, 300)
    assert len(answer.visual.features.pooled) == 5120
    assert answer.pack_version.startswith("default@")
    assert [timing.stage for timing in answer.timings] == ["decode", "infer", "graph"]


async def test_one_bad(stub: visual_pb2_grpc.VisualGraphServiceAsyncStub) -> None:
    for image, kind, field in (
        (BAD, InvalidImage, "image"),
        (common_pb2.Image(), InvalidImage, "image"),
        (common_pb2.Image(upload_id="u1"), InvalidInput, "image.upload_id"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.BuildVisualGraph(pb.BuildVisualGraphRequest(image=image))
        error = from_rpc_error(caught.value)
        assert isinstance(error, kind)
        assert isinstance(error, InvalidInput) and error.violations[0].field == field


async def test_batch(stub: visual_pb2_grpc.VisualGraphServiceAsyncStub) -> None:
    answer = await stub.BuildVisualGraphs(pb.BuildVisualGraphsRequest(images=[CAT, BAD, CUP]))
    cat, bad, cup = answer.results
    assert cat.visual.graph.nodes[0].label == "cat"
    assert not cat.visual.HasField("features")
    assert (bad.status.reason, bad.status.field) == ("INVALID_IMAGE", "images[1]")
    assert not bad.HasField("visual")
    assert cup.visual.graph.nodes[0].label == "cup"


async def test_empty_batch(stub: visual_pb2_grpc.VisualGraphServiceAsyncStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.BuildVisualGraphs(pb.BuildVisualGraphsRequest())
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_stream_keeps_the_order_and_survives_bad_images(
    stub: visual_pb2_grpc.VisualGraphServiceAsyncStub,
) -> None:
    upload = common_pb2.Image(upload_id="u1")
    images = [CAT, BAD, CUP, upload, CAT, common_pb2.Image(), CUP]
    requests = (pb.StreamVisualGraphsRequest(id=str(n), image=image) for n, image in enumerate(images))
    answers = [answer async for answer in stub.StreamVisualGraphs(requests)]
    assert [answer.id for answer in answers] == [str(n) for n in range(len(images))]
    reasons = [answer.result.status.reason for answer in answers]
    assert reasons == ["", "INVALID_IMAGE", "", "INVALID_INPUT", "", "INVALID_IMAGE", ""]
    assert answers[1].result.status.field == "image"
    assert answers[6].result.visual.graph.nodes[0].label == "cup"
