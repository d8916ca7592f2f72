"""`LinearProjector`: what every closed-form and alternating method leaves behind, with its file format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.special import softmax

from scenograph.methods.contracts import FloatArray
from scenograph.methods.kernel import KernelMap, Matrix
from scenograph.scene.errors import InvalidInput

Activation = Literal["none", "softmax"]
FORMAT = "scenograph.linear_projector.v1"
SIDES = ("image", "text")


@dataclass(frozen=True, slots=True, eq=False)
class LinearMap:
    """z = activation((phi(x) - mean) weight + bias), phi the identity or a kernel map.

    Shapes: mean (p,), weight (p, D), bias (D,), p = landmarks or feature dimensions; (n, d) -> (n, D).
    """

    mean: Matrix
    weight: Matrix
    bias: Matrix
    kernel: KernelMap | None = None
    activation: Activation = "none"

    @property
    def inputs(self) -> int:
        return self.kernel.landmarks.shape[1] if self.kernel else len(self.mean)

    def __call__(self, features: NDArray[np.floating]) -> FloatArray:
        """Errors: InvalidInput (features of another dimension)."""
        if features.ndim != 2 or features.shape[1] != self.inputs:
            raise InvalidInput(
                f"features of shape {features.shape}; this method was trained on (n, {self.inputs})"
            )
        x = features.astype(np.float64)
        mapped = self.kernel(x) if self.kernel else x
        z = (mapped - self.mean) @ self.weight + self.bias
        if self.activation == "softmax":
            z = softmax(z, axis=1)
        return z.astype(np.float32)


def linear_map(
    mean: Matrix,
    weight: Matrix,
    bias: Matrix | None = None,
    *,
    kernel: KernelMap | None = None,
    activation: Activation = "none",
) -> LinearMap:
    """A `LinearMap` whose bias defaults to zero."""
    return LinearMap(mean, weight, np.zeros(weight.shape[1]) if bias is None else bias, kernel, activation)


@dataclass(frozen=True, slots=True, eq=False)
class LinearProjector:
    """One `LinearMap` a modality, into one common space (a `Projector`)."""

    image_map: LinearMap
    text_map: LinearMap

    def image(self, features: FloatArray) -> FloatArray:
        return self.image_map(features)

    def text(self, features: FloatArray) -> FloatArray:
        return self.text_map(features)

    def save(self, path: Path) -> None:
        """One safetensors file: arrays named `image.weight`, ..., the rest as metadata."""
        arrays: dict[str, NDArray[np.float64]] = {}
        facts: dict[str, object] = {}
        for side, part in zip(SIDES, (self.image_map, self.text_map), strict=True):
            arrays |= {f"{side}.mean": part.mean, f"{side}.weight": part.weight, f"{side}.bias": part.bias}
            facts[side] = {"activation": part.activation}
            if part.kernel:
                arrays[f"{side}.landmarks"] = part.kernel.landmarks
                facts[side] = {
                    "activation": part.activation,
                    "kernel": part.kernel.kind,
                    "gamma": part.kernel.gamma,
                }
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        save_file(contiguous, path, metadata={"format": FORMAT, "maps": json.dumps(facts)})

    @staticmethod
    def load(path: Path) -> LinearProjector:
        """Errors: InvalidInput (not a file that `save` wrote)."""
        try:
            with safe_open(path, framework="np") as file:
                metadata = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise InvalidInput(f"{path} is not a projector file: {error}") from error
        if metadata.get("format") != FORMAT:
            raise InvalidInput(f"{path} is not a projector file: format {metadata.get('format')!r}")
        facts = json.loads(metadata["maps"])
        maps = []
        for side in SIDES:
            kernel = None
            if "kernel" in facts[side]:
                kernel = KernelMap(facts[side]["kernel"], arrays[f"{side}.landmarks"], facts[side]["gamma"])
            maps.append(
                LinearMap(
                    arrays[f"{side}.mean"],
                    arrays[f"{side}.weight"],
                    arrays[f"{side}.bias"],
                    kernel,
                    facts[side]["activation"],
                )
            )
        return LinearProjector(*maps)
