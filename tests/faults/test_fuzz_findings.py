"""What fuzzing found, each as a case of its own: an error that says what is wrong, not INTERNAL."""

from __future__ import annotations

import math
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from scenograph.index.converters import time_from_pb
from scenograph.inference.contents import from_contents, from_raw
from scenograph.oip import inference_pb2 as oip
from scenograph.runtime.converters import graph_from_pb
from scenograph.scene.errors import InvalidInput
from scenograph.v1 import common_pb2 as pb
from tests.runtime.probe import NAME, register
from tests.serving import serving_one


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.5, 3e38])
def test_scores_are_numbers_in_range(score: float) -> None:
    node = pb.Node(label="dog")
    graphs = [
        pb.SceneGraph(nodes=[pb.Node(label="dog", score=score)]),
        pb.SceneGraph(nodes=[pb.Node(label="dog", attributes=[pb.Attribute(name="red", score=score)])]),
        pb.SceneGraph(nodes=[node], edges=[pb.Edge(predicate="on", score=score)]),
        pb.SceneGraph(nodes=[node], tags=[pb.Tag(label="indoor", score=score)]),
    ]
    for graph in graphs:
        with pytest.raises(InvalidInput, match=r"score is in \[0, 1\]"):
            graph_from_pb(graph)


def test_boxes_are_numbers() -> None:
    graph = pb.SceneGraph(nodes=[pb.Node(label="dog", box=pb.Box(x0=math.nan, x1=1, y1=1))])
    with pytest.raises(InvalidInput, match="box"):
        graph_from_pb(graph)


def test_times_are_of_a_calendar() -> None:
    with pytest.raises(InvalidInput):
        time_from_pb(Timestamp(seconds=2**63 - 1))


def test_tensors_have_few_dimensions() -> None:
    with pytest.raises(InvalidInput, match="dimensions"):
        from_contents("text", "BYTES", [1] * 1500, oip.InferTensorContents(bytes_contents=[b"a"]))
    with pytest.raises(InvalidInput, match="dimensions"):
        from_raw("x", "FP32", [1] * 65, bytes(4))


@pytest.mark.parametrize("kind", ["UU", "US", "SU", "SS"])
async def test_bytes_that_are_no_message(kind: str) -> None:
    async def answer(text: str, context: object) -> str:
        return text

    async with serving_one(NAME, register(answer)) as channel:
        make: Any = {
            "UU": channel.unary_unary,
            "US": channel.unary_stream,
            "SU": channel.stream_unary,
            "SS": channel.stream_stream,
        }[kind]
        content = b"\x0a\xff\xff\xff\xff\x0f"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            call = make(f"/{NAME}/{kind}")(iter([content]) if kind[0] == "S" else content)
            if kind[1] == "S":
                async for _ in call:
                    pass
            else:
                await call
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "such a message" in (caught.value.details() or "")
