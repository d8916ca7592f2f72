"""The face detector that blurs faces on request: CenterFace (MIT licence), for images of any size, its
weights as 16-bit floats.

`scenograph.packs.faces.making` has the original. The weights are cast back when the model is loaded, so that
it computes in 32 bits: only the file is half as large.  Source: Xu et al. 2019, arXiv:1911.03599.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

INPUT = "input.1"
OUTPUTS = {"537": ("heat", 1), "538": ("size", 2), "539": ("offset", 2)}


def prepare(original: onnx.ModelProto) -> onnx.ModelProto:
    """`image` (1, 3, H, W) float32 RGB in 0..255, H and W multiples of 32 -> `heat` (1, 1, H/4, W/4), `size`
    (logarithms of height and width in steps of 4 pixels) and `offset` (of the centre: y, x).
    """
    names = {INPUT: "image", **{old: new for old, (new, _) in OUTPUTS.items()}}
    nodes = []
    for node in _needed(original.graph):
        fresh = onnx.NodeProto()
        fresh.CopyFrom(node)
        del fresh.input[:], fresh.output[:]
        fresh.input.extend(names.get(name, name) for name in node.input)
        fresh.output.extend(names.get(name, name) for name in node.output)
        nodes.append(fresh)
    used = {name for node in nodes for name in node.input}
    weights, casts = [], []
    for tensor in original.graph.initializer:
        if tensor.name in used:
            half = numpy_helper.to_array(tensor).astype(np.float16)
            weights.append(numpy_helper.from_array(half, f"{tensor.name}.half"))
            casts.append(
                helper.make_node("Cast", [f"{tensor.name}.half"], [tensor.name], to=TensorProto.FLOAT)
            )
    floats = TensorProto.FLOAT
    outputs = [
        helper.make_tensor_value_info(name, floats, [1, size, "height/4", "width/4"])
        for name, size in OUTPUTS.values()
    ]
    graph = helper.make_graph(
        casts + nodes,
        "centerface",
        [helper.make_tensor_value_info("image", floats, [1, 3, "height", "width"])],
        outputs,
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=list(original.opset_import), ir_version=original.ir_version
    )
    onnx.checker.check_model(model)
    return model


def _needed(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that the outputs depend on, in order."""
    wanted, found = set(OUTPUTS), []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            found.append(node)
            wanted.update(node.input)
    return found[::-1]
