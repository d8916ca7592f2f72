"""What every exported model goes through: export, dynamic sizes, parity with torch, manifest entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from scenograph.onnx.export import DynamicAxes, export, tensor_specs
from scenograph.onnx.parity import Feeds, OnnxModel, torch_parity
from scenograph.packs.build.stage import check
from scenograph.packs.manifest import Model, Parity, TensorSpec


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported model with the comparisons it has been through."""

    name: str
    file: str
    model: OnnxModel
    parity: list[Parity]


def export_checked(
    name: str,
    module: nn.Module,
    work: Path,
    *,
    outputs: Sequence[str],
    dynamic: DynamicAxes,
    feeds: Sequence[Feeds],
    on: str,
    limit: float,
) -> Exported:
    """Export `module` to `<name>.onnx` in `work` and compare it with torch on every one of `feeds`.

    `feeds` should differ in their dynamic sizes; the first is also the export's example.
    Errors: PackBuildFailed.
    """
    file = f"{name}.onnx"
    example = {key: torch.from_numpy(np.array(value)) for key, value in feeds[0].items()}
    export(module, example, work / file, outputs=outputs, dynamic=dynamic)
    model = OnnxModel(work / file)
    parity = check(name, Parity("torch", on, torch_parity(module, model, feeds), limit))
    return Exported(name, file, model, [parity])


def entry(
    work: Path,
    file: str,
    parity: Sequence[Parity],
    *,
    tolerance: float,
    variant: str = "fp32",
    measured: Mapping[str, float] | None = None,
    tolerances: Mapping[str, float] | None = None,
) -> Model:
    """The manifest's entry of a model file. `tolerance` is for the self-check at load, on any CPU, and
    `tolerances` for outputs of another size.
    """
    inputs, outputs = tensor_specs(work / file)
    return Model(
        file=file,
        variant=variant,
        inputs=[TensorSpec(*spec) for spec in inputs],
        outputs=[TensorSpec(*spec) for spec in outputs],
        tolerance=tolerance,
        parity=list(parity),
        measured=dict(measured or {}),
        tolerances=dict(tolerances or {}),
    )
