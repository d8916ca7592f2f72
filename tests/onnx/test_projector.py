"""A shallow method's ONNX files give what its projector gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from scenograph.methods.kernel import KernelMap
from scenograph.methods.projector import LinearProjector, linear_map
from scenograph.onnx.projector import export_projector

RNG = np.random.default_rng(0)
MAPS = {
    "linear": linear_map(RNG.random(6), RNG.standard_normal((6, 4))),
    "softmax": linear_map(
        RNG.random(6), RNG.standard_normal((6, 4)), RNG.standard_normal(4), activation="softmax"
    ),
    "rbf": linear_map(
        RNG.random(9), RNG.standard_normal((9, 4)), kernel=KernelMap("rbf", RNG.random((9, 6)), 0.8)
    ),
    "chi2": linear_map(
        RNG.random(9), RNG.standard_normal((9, 4)), kernel=KernelMap("chi2", RNG.random((9, 6)), 0.8)
    ),
}


@pytest.mark.parametrize(("image", "text"), [("linear", "softmax"), ("rbf", "chi2")])
def test_parity(image: str, text: str, tmp_path: Path) -> None:
    projector = LinearProjector(MAPS[image], MAPS[text])
    features = RNG.random((5, 6)).astype(np.float32)
    features[0, :2] = 0.0
    for path, expected in zip(
        export_projector(projector, tmp_path),
        (projector.image(features), projector.text(features)),
        strict=True,
    ):
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (vectors,) = session.run(["vectors"], {"features": features})
        np.testing.assert_allclose(vectors, expected, atol=2e-5)
