"""Reads the weights of a TensorFlow frozen graph without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

_DT_FLOAT = 1


def read_frozen_weights(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Every float constant of a frozen `GraphDef`, by node name."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef  # only the pack's builder has it installed

    graph = GraphDef()
    graph.ParseFromString(path.read_bytes())
    weights = {}
    for node in graph.node:
        if node.op != "Const" or node.attr["value"].tensor.dtype != _DT_FLOAT:
            continue
        tensor = node.attr["value"].tensor
        shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
        if tensor.tensor_content:
            values = np.frombuffer(tensor.tensor_content, dtype="<f4")
        else:  # TensorFlow keeps small or constant tensors as a list, its last value repeated
            values = np.array(tensor.float_val, dtype=np.float32)
            values = np.pad(values, (0, int(np.prod(shape)) - len(values)), mode="edge")
        weights[node.name] = values.reshape(shape).astype(np.float32)
    return weights
