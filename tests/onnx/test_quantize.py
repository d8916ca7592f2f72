"""int8 weights: near the original, free of the batch, the same bytes each time; the measure of agreement."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from scenograph.onnx.export import export
from scenograph.onnx.parity import OnnxModel
from scenograph.onnx.quantize import agreement, quantize_weights

WIDTH = 64


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("int8")
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(WIDTH, 256), nn.GELU(), nn.Linear(256, WIDTH))
    example = {"input": torch.zeros(2, 3, WIDTH)}
    export(
        module, example, folder / "full.onnx", outputs=("out",), dynamic={"input": {0: "batch", 1: "tokens"}}
    )
    level, handlers = logging.root.level, logging.root.handlers[:]
    quantize_weights(folder / "full.onnx", folder / "small.onnx")
    assert (logging.root.level, logging.root.handlers) == (level, handlers)
    return folder / "full.onnx", folder / "small.onnx"


def test_near_the_original_and_smaller(models: tuple[Path, Path]) -> None:
    full, small = models
    x = np.random.default_rng(0).normal(size=(5, 7, WIDTH)).astype(np.float32)
    want, got = (OnnxModel(path)({"input": x})["out"] for path in models)
    assert 0 < np.abs(want - got).max() < 0.02
    assert small.stat().st_size < full.stat().st_size / 2


def test_a_row_does_not_depend_on_its_batch(models: tuple[Path, Path]) -> None:
    x = np.random.default_rng(1).normal(size=(8, 4, WIDTH)).astype(np.float32)
    x[3] *= 100  # would widen a scale shared by the batch
    model = OnnxModel(models[1])
    together = model({"input": x})["out"]
    alone = np.concatenate([model({"input": x[i : i + 1]})["out"] for i in range(8)])
    np.testing.assert_allclose(together, alone, atol=1e-4, rtol=1e-5)


def test_the_same_bytes_each_time(models: tuple[Path, Path], tmp_path: Path) -> None:
    quantize_weights(models[0], tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == models[1].read_bytes()


def test_agreement() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(40, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    same = agreement(vectors, vectors)
    assert same.mean_cosine == pytest.approx(1.0)
    assert same.neighbours == 1.0
    other = agreement(vectors, vectors[::-1])
    assert other.mean_cosine < 0.5
    assert other.neighbours < 0.6
    assert other.min_cosine <= other.mean_cosine
