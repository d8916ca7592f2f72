"""The matching service: one query laid on many candidates, with one caller."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median

import grpc
import numpy as np

from scenograph.bench.sentences import sentences
from scenograph.v1 import (
    matching_pb2,
    matching_pb2_grpc,
    textual_pb2,
    textual_pb2_grpc,
    visual_pb2,
    visual_pb2_grpc,
)
from scenograph.v1.common_pb2 import GraphQuery, Image, SceneGraph

QUERIES = 20
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Matching:
    """Milliseconds of a call with so many candidates: in the service as it says itself, and the caller's."""

    candidates: int
    explain: bool
    service_ms: float
    call_p50_ms: float
    call_p99_ms: float


def measure(
    address: str, pictures: Sequence[bytes], *, candidates: int, repeats: int, explain: bool
) -> Matching:
    """Sentences' graphs on graphs of pictures, repeated until there are enough; medians over the calls."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(address, options) as channel:
        visual = visual_pb2_grpc.VisualGraphServiceStub(channel)
        seen = [_seen(visual, picture) for picture in pictures]
        graphs = list(islice(cycle(seen), candidates))
        asked = textual_pb2.ParseTextsRequest(texts=sentences(QUERIES), include_units=True)
        parsed = textual_pb2_grpc.TextualGraphServiceStub(channel).ParseTexts(asked, timeout=TIMEOUT_S)
        requests = [
            matching_pb2.MatchRequest(
                query=GraphQuery(optional=result.graph), candidates=graphs, explain=explain
            )
            for result in parsed.results
        ]
        stub = matching_pb2_grpc.MatchingServiceStub(channel)
        for request in requests:  # words become known, as in a server that has run for a while
            stub.Match(request, timeout=TIMEOUT_S)
        service, call = [], []
        for request in islice(cycle(requests), repeats):
            began = time.perf_counter()
            answer = stub.Match(request, timeout=TIMEOUT_S)
            call.append(1e3 * (time.perf_counter() - began))
            service.append(sum(timing.milliseconds for timing in answer.timings))
    p50, p99 = np.percentile(call, [50, 99])
    return Matching(candidates, explain, median(service), float(p50), float(p99))


def _seen(stub: visual_pb2_grpc.VisualGraphServiceStub, picture: bytes) -> SceneGraph:
    request = visual_pb2.BuildVisualGraphRequest(image=Image(content=picture), include_units=True)
    return stub.BuildVisualGraph(request, timeout=TIMEOUT_S).visual.graph
