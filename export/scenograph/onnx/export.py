"""One torch module to one ONNX file, the same bytes each time."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

OPSET = 20

# Input name -> {axis: name of its size}; axes of one name share their size.
DynamicAxes = Mapping[str, Mapping[int, str]]


def export(
    module: nn.Module,
    example: Mapping[str, Tensor],
    path: Path,
    *,
    outputs: Sequence[str],
    dynamic: DynamicAxes,
    opset: int = OPSET,
) -> None:
    """Write `module` as one ONNX file, weights inside.

    `example`: a tensor for each argument of `forward`, by name; an axis named in `dynamic` should have 2 or
    more there, since torch may take 0 and 1 for constants.
    Nothing of the machine (paths, stack traces) is kept in the file.
    """
    shapes = {name: dict.fromkeys(dynamic.get(name, {}), torch.export.Dim.DYNAMIC) for name in example}
    with warnings.catch_warnings(), torch.no_grad(), _quiet_exporter():
        warnings.simplefilter("ignore")  # torch and onnxscript warn of deprecations of their own
        program = torch.onnx.export(
            module.eval(),
            kwargs=dict(example),
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=list(example),
            output_names=list(outputs),
            opset_version=opset,
            verbose=False,
        )
    assert program is not None
    model: Any = program.model_proto
    _forget_origin(model)
    _name_sizes(model, dynamic)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def tensor_specs(
    path: Path,
) -> tuple[list[tuple[str, str, list[int | str]]], list[tuple[str, str, list[int | str]]]]:
    """Inputs and outputs of an ONNX file, each as (name, numpy dtype, shape; a dynamic size is its name)."""
    graph = onnx.load(path, load_external_data=False).graph
    return [_spec(value) for value in graph.input], [_spec(value) for value in graph.output]


def _spec(value: Any) -> tuple[str, str, list[int | str]]:
    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    return value.name, dtype, [dim.dim_param or dim.dim_value for dim in tensor.shape.dim]


def _forget_origin(model: Any) -> None:
    """Drop what the exporter notes of its run: stack traces with local paths, names of torch's graph."""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    model.doc_string = model.graph.doc_string = ""
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    values = [*model.graph.input, *model.graph.output, *model.graph.initializer]
    for part in [*nodes, *values, *model.functions]:
        del part.metadata_props[:]
        part.doc_string = ""


def _name_sizes(model: Any, dynamic: DynamicAxes) -> None:
    """Give dynamic sizes our names in place of torch's symbols ("s40")."""
    names: dict[str, str] = {}
    for value in model.graph.input:
        for axis, size in dynamic.get(value.name, {}).items():
            names.setdefault(value.type.tensor_type.shape.dim[axis].dim_param, size)
    for value in [*model.graph.input, *model.graph.output]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param = re.sub(r"\w+", lambda word: names.get(word[0], word[0]), dim.dim_param)


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Silence torch's notes on optional packages that are not there and on sizes it cannot name."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.fx.experimental.symbolic_shapes")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
