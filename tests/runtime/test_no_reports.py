"""A serving process tells nobody of itself: ONNX Runtime's reports to its vendor are off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import scenograph.runtime.sessions as sessions
from onnx import TensorProto, helper

value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value("x")], [value("y")])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
sessions.ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
"""


def test_models_run_without_reports(tmp_path: Path) -> None:
    """Where reports are on, the library leaves its identifier and its queue below the home folder."""
    known = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}
    subprocess.run([sys.executable, "-c", CODE], env={**known, "HOME": str(tmp_path)}, check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
