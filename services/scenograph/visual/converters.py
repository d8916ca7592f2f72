"""Protobuf <-> domain, for the visual graph service."""

from __future__ import annotations

from scenograph.runtime.contracts import VisualBatch, VisualGraph
from scenograph.runtime.converters import features_to_pb, graph_to_pb, timings_to_pb
from scenograph.runtime.status import item_status
from scenograph.scene.errors import FieldViolation, InvalidInput, ScenographError
from scenograph.v1 import common_pb2, visual_pb2


def image_from_pb(image: common_pb2.Image, *, field: str) -> bytes:
    """The encoded file; empty where none was sent.

    Errors: InvalidInput (an upload id: only the gateway keeps uploads).
    """
    if image.HasField("upload_id"):
        raise InvalidInput("only the gateway takes an upload id", field=f"{field}.upload_id")
    return image.content


def visual_to_pb(visual: VisualGraph) -> visual_pb2.VisualGraph:
    return visual_pb2.VisualGraph(
        graph=graph_to_pb(visual.graph),
        width=visual.width,
        height=visual.height,
        features=None if visual.features is None else features_to_pb(visual.features),
    )


def result_to_pb(result: VisualGraph | ScenographError) -> visual_pb2.VisualGraphResult:
    if isinstance(result, ScenographError):
        return visual_pb2.VisualGraphResult(status=item_status(result))
    return visual_pb2.VisualGraphResult(status=item_status(None), visual=visual_to_pb(result))


def batch_to_pb(batch: VisualBatch) -> visual_pb2.BuildVisualGraphsResponse:
    return visual_pb2.BuildVisualGraphsResponse(
        results=[result_to_pb(result) for result in batch.results],
        pack_version=batch.pack_version,
        timings=timings_to_pb(batch.timings),
    )


def blame(error: ScenographError, field: str) -> ScenographError:
    """The error with `field` as the field at fault, where it names one."""
    if isinstance(error, InvalidInput) and error.violations:
        error.violations = tuple(FieldViolation(field, v.description) for v in error.violations)
    return error
