"""Protobuf <-> domain, for the textual graph service."""

from __future__ import annotations

from scenograph.runtime.contracts import Parser, TextBatch
from scenograph.runtime.converters import graph_to_pb, timings_to_pb
from scenograph.runtime.status import item_status
from scenograph.scene.errors import InvalidInput, ScenographError
from scenograph.scene.graph import SceneGraph
from scenograph.v1 import textual_pb2


def parser_from_pb(number: int) -> Parser:
    """Raises InvalidInput for a number that is no parser."""
    try:
        return Parser(number)
    except ValueError:
        raise InvalidInput(f"{number} is no parser", field="parser") from None


def result_to_pb(result: SceneGraph | ScenographError) -> textual_pb2.TextGraphResult:
    if isinstance(result, ScenographError):
        return textual_pb2.TextGraphResult(status=item_status(result))
    return textual_pb2.TextGraphResult(status=item_status(None), graph=graph_to_pb(result))


def single_to_pb(batch: TextBatch) -> textual_pb2.ParseTextResponse:
    """The answer to one sentence. Errors: the sentence's own."""
    (result,) = batch.results
    if isinstance(result, ScenographError):
        raise result
    return textual_pb2.ParseTextResponse(
        graph=graph_to_pb(result), pack_version=batch.pack_version, timings=timings_to_pb(batch.timings)
    )


def batch_to_pb(batch: TextBatch) -> textual_pb2.ParseTextsResponse:
    return textual_pb2.ParseTextsResponse(
        results=[result_to_pb(result) for result in batch.results],
        pack_version=batch.pack_version,
        timings=timings_to_pb(batch.timings),
    )


def streamed_to_pb(id: str, batch: TextBatch) -> textual_pb2.StreamTextsResponse:
    (result,) = batch.results
    return textual_pb2.StreamTextsResponse(
        id=id, result=result_to_pb(result), pack_version=batch.pack_version
    )


def failed_to_pb(id: str, error: ScenographError) -> textual_pb2.StreamTextsResponse:
    return textual_pb2.StreamTextsResponse(id=id, result=result_to_pb(error))
