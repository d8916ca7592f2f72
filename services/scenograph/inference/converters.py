"""Protobuf <-> domain, for the inference service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scenograph.inference.app import Listed, Run
from scenograph.inference.contents import FIELDS, from_contents, from_raw, to_contents, to_raw
from scenograph.inference.models import Servable
from scenograph.inference.tensors import Array, TensorInfo
from scenograph.oip import inference_pb2 as pb
from scenograph.scene.errors import InvalidInput

_SHARED_MEMORY = "shared_memory_region"
_CLASSIFICATION = "classification"


def run_from_pb(request: pb.ModelInferRequest) -> Run:
    """What to run.

    Errors: InvalidInput (a tensor twice; elements that are not what is said of them; both raw and typed;
    shared memory, classification).
    """
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidInput(
            f"raw_input_contents has {len(raw)} entries for {len(request.inputs)} inputs",
            field="raw_input_contents",
        )
    feeds: dict[str, Array] = {}
    for place, tensor in enumerate(request.inputs):
        field = f"inputs[{tensor.name}]"
        _refuse(tensor.parameters, _SHARED_MEMORY, field)
        if tensor.name in feeds:
            raise InvalidInput(f'input "{tensor.name}" is given twice', field=field)
        if raw and tensor.HasField("contents"):
            raise InvalidInput(f'input "{tensor.name}" has contents, and raw_input_contents too', field=field)
        if raw:
            array = from_raw(tensor.name, tensor.datatype, tensor.shape, raw[place])
        else:
            array = from_contents(tensor.name, tensor.datatype, tensor.shape, tensor.contents)
        feeds[tensor.name] = array
    for output in request.outputs:
        _refuse(output.parameters, _SHARED_MEMORY, f"outputs[{output.name}]")
        _refuse(output.parameters, _CLASSIFICATION, f"outputs[{output.name}]")
    outputs = tuple(output.name for output in request.outputs)
    return Run(request.model_name, request.model_version, feeds, outputs)


def answer_to_pb(
    request: pb.ModelInferRequest, version: str, outputs: Sequence[tuple[TensorInfo, Array]]
) -> pb.ModelInferResponse:
    """The answer: raw where the request was, or where an output's datatype has no typed field."""
    response = pb.ModelInferResponse(model_name=request.model_name, model_version=version, id=request.id)
    raw = bool(request.raw_input_contents) or any(info.datatype not in FIELDS for info, _ in outputs)
    for info, array in outputs:
        tensor = response.outputs.add(name=info.name, datatype=info.datatype, shape=array.shape)
        if raw:
            response.raw_output_contents.append(to_raw(array))
        else:
            tensor.contents.CopyFrom(to_contents(array))
    return response


def streamed_to_pb(response: pb.ModelInferResponse, error_message: str = "") -> pb.ModelStreamInferResponse:
    """One answer of a stream, marked as the only one to its request."""
    response.parameters["triton_final_response"].bool_param = True
    return pb.ModelStreamInferResponse(error_message=error_message, infer_response=response)


def model_to_pb(model: Servable, version: str) -> pb.ModelMetadataResponse:
    return pb.ModelMetadataResponse(
        name=model.name,
        versions=[version],
        platform=model.platform,
        inputs=map(_info_to_pb, model.inputs),
        outputs=map(_info_to_pb, model.outputs),
    )


def index_to_pb(models: Iterable[Listed], version: str) -> pb.RepositoryIndexResponse:
    entries = [
        pb.RepositoryIndexResponse.ModelIndex(
            name=model.name,
            version=version,
            state="UNAVAILABLE" if model.reason else "READY",
            reason=model.reason,
        )
        for model in models
    ]
    return pb.RepositoryIndexResponse(models=entries)


def _info_to_pb(info: TensorInfo) -> pb.ModelMetadataResponse.TensorMetadata:
    shape = [-1 if isinstance(size, str) else size for size in info.shape]
    return pb.ModelMetadataResponse.TensorMetadata(name=info.name, datatype=info.datatype, shape=shape)


def _refuse(parameters: Iterable[str], name: str, field: str) -> None:
    if name in parameters:
        raise InvalidInput(f'the parameter "{name}" of {field} is not served', field=field)
