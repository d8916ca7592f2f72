"""Export to ONNX: dynamic sizes, parity with torch, the same bytes each time, no trace of the machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from scenograph.nn.detector import SsdMobileNetV2
from scenograph.nn.text_encoder import SentenceEncoder
from scenograph.onnx.export import export, tensor_specs
from scenograph.onnx.parity import OnnxModel, max_abs_error, torch_parity

DYNAMIC = {"left": {0: "rows"}, "right": {0: "rows", 1: "columns"}}


class Pair(nn.Module):
    """Two inputs, two outputs, one of them padded and convolved."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(4, 3)

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        return torch.softmax(self.linear(left), dim=-1), (right.to(torch.float32) / 255).mean(dim=1)


def feeds(rows: int, columns: int) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    rng = np.random.default_rng(rows)
    return {
        "left": rng.normal(size=(rows, 4)).astype(np.float32),
        "right": rng.integers(0, 256, (rows, columns), dtype=np.uint8),
    }


def example() -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in feeds(2, 5).items()}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "pair.onnx"
    export(Pair(), example(), path, outputs=("chances", "mean"), dynamic=DYNAMIC)
    return path


def test_parity_for_batches_of_one_and_three(exported: Path) -> None:
    batches = [feeds(1, 1), feeds(3, 7), feeds(2, 5)]
    assert torch_parity(Pair().eval(), OnnxModel(exported), batches) < 1e-6


def test_sizes_have_our_names(exported: Path) -> None:
    inputs, outputs = tensor_specs(exported)
    assert inputs == [("left", "float32", ["rows", 4]), ("right", "uint8", ["rows", "columns"])]
    assert outputs == [("chances", "float32", ["rows", 3]), ("mean", "float32", ["rows"])]


def test_the_same_bytes_each_time(exported: Path, tmp_path: Path) -> None:
    export(Pair(), example(), tmp_path / "again.onnx", outputs=("chances", "mean"), dynamic=DYNAMIC)
    assert (tmp_path / "again.onnx").read_bytes() == exported.read_bytes()


def test_nothing_of_the_machine_inside(exported: Path) -> None:
    data = exported.read_bytes()
    assert b".py" not in data
    assert str(Path(__file__).parent).encode() not in data
    assert not onnx.load(exported).graph.value_info


def test_max_abs_error_sees_every_difference() -> None:
    one = {"a": np.array([1.0, np.nan])}
    assert max_abs_error(one, one) == 0.0
    assert max_abs_error({"a": np.array([1.5, np.nan])}, one) == 0.5
    assert max_abs_error({"a": np.array([1.0, 2.0])}, one) == np.inf
    assert max_abs_error({"a": np.array([1.0])}, one) == np.inf
    assert max_abs_error({"b": one["a"]}, one) == np.inf


def test_text_encoder_of_any_weights(tmp_path: Path) -> None:
    """The module's structure exports with free batch and length, whatever its weights."""
    torch.manual_seed(0)
    encoder = SentenceEncoder().eval()
    names = ("input_ids", "attention_mask")
    ids = np.random.default_rng(0).integers(0, 30_000, (4, 12))
    mask = (np.arange(12) < np.array([[12], [5], [1], [9]])).astype(np.int64)
    export(
        encoder,
        {name: torch.ones(2, 3, dtype=torch.long) for name in names},
        tmp_path / "text.onnx",
        outputs=("sentence", "tokens", "lower"),
        dynamic={name: {0: "batch", 1: "tokens"} for name in names},
    )
    batches = [
        {"input_ids": ids[:b, :t], "attention_mask": mask[:b, :t]} for b, t in ((4, 12), (1, 1), (3, 2))
    ]
    assert torch_parity(encoder, OnnxModel(tmp_path / "text.onnx"), batches) < 1e-5


def test_detector_refuses_weights_that_lack_a_layer() -> None:
    with pytest.raises(KeyError, match="MobilenetV2/Conv/"):
        SsdMobileNetV2({})
