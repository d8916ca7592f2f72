"""A trained `LinearProjector` as two ONNX files, one a modality."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from scenograph.methods.projector import LinearMap, LinearProjector
from scenograph.onnx.export import export

FILES = {"image": "image.onnx", "text": "text.onnx"}


class LinearMapModule(nn.Module):
    """A `LinearMap` in float32, its mean folded into its bias. Shapes: features (B, d) -> (B, D)."""

    weight: Tensor
    bias: Tensor
    landmarks: Tensor

    def __init__(self, source: LinearMap) -> None:
        super().__init__()
        self.kind = source.kernel.kind if source.kernel else "none"
        self.gamma = source.kernel.gamma if source.kernel else 0.0
        self.softmax = source.activation == "softmax"
        landmarks = source.kernel.landmarks if source.kernel else np.empty((0, source.inputs))
        bias = source.bias - source.mean @ source.weight
        for name, array in (("weight", source.weight), ("bias", bias), ("landmarks", landmarks)):
            self.register_buffer(name, torch.from_numpy(np.asarray(array, dtype=np.float32)))

    def forward(self, features: Tensor) -> Tensor:
        values = self._mapped(features) @ self.weight + self.bias
        return values.softmax(dim=1) if self.softmax else values

    def _mapped(self, features: Tensor) -> Tensor:
        if self.kind == "none":
            return features
        difference = features[:, None] - self.landmarks[None]
        distances = difference * difference
        if self.kind == "chi2":
            total = features[:, None] + self.landmarks[None]
            distances = torch.where(total > 0, distances / total.clamp(min=1e-30), 0.0)
        return torch.exp(-self.gamma * distances.sum(dim=2))


def export_projector(projector: LinearProjector, folder: Path) -> list[Path]:
    """Write `image.onnx` and `text.onnx`: `features` (batch, d) float32 -> `vectors` (batch, D).

    Bit i of a hashing method's code is `vectors[:, i] > 0`; a real-valued method's vectors are compared by
    cosine.
    """
    paths = []
    for source, name in zip((projector.image_map, projector.text_map), FILES.values(), strict=True):
        example = {"features": torch.full((2, source.inputs), 0.5)}
        export(
            LinearMapModule(source),
            example,
            folder / name,
            outputs=["vectors"],
            dynamic={"features": {0: "batch"}, "vectors": {0: "batch"}},
        )
        paths.append(folder / name)
    return paths
