"""Does the ONNX file answer as the torch module does?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from scenograph.packs.ort import ort

Array = npt.NDArray[Any]
Feeds = Mapping[str, Array]


class OnnxModel:
    """An ONNX file on the CPU; call it with named arrays, get named arrays."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = tuple(value.name for value in self._session.get_inputs())
        self.outputs = tuple(value.name for value in self._session.get_outputs())

    def __call__(self, feeds: Feeds) -> dict[str, Array]:
        return dict(zip(self.outputs, self._session.run(None, dict(feeds)), strict=True))


def run_torch(module: nn.Module, feeds: Feeds, outputs: Iterable[str]) -> dict[str, Array]:
    """The module's answer to named arrays, its results named in order."""
    with torch.no_grad():
        results = module(**{name: torch.from_numpy(np.array(value)) for name, value in feeds.items()})
    if isinstance(results, torch.Tensor):
        results = (results,)
    return {name: result.numpy() for name, result in zip(outputs, results, strict=True)}


def max_abs_error(actual: Mapping[str, Array], expected: Mapping[str, Array]) -> float:
    """Greatest absolute difference over all named arrays; infinite where names, shapes or NaNs differ."""
    if actual.keys() != expected.keys():
        return float("inf")
    worst = 0.0
    for name, want in expected.items():
        got = actual[name]
        if got.shape != want.shape or not np.array_equal(np.isnan(got), np.isnan(want)):
            return float("inf")
        difference = np.abs(np.nan_to_num(got).astype(np.float64) - np.nan_to_num(want))
        worst = max(worst, float(difference.max(initial=0.0)))
    return worst


def torch_parity(
    module: nn.Module, model: OnnxModel, batches: Iterable[Feeds], *, only: Collection[str] = ()
) -> float:
    """Greatest absolute difference between a module and its export over inputs of different sizes; of some
    outputs `only`, where they are named.
    """

    def chosen(answer: Mapping[str, Array]) -> dict[str, Array]:
        return {name: value for name, value in answer.items() if not only or name in only}

    return max(
        max_abs_error(chosen(model(feeds)), chosen(run_torch(module, feeds, model.outputs)))
        for feeds in batches
    )
