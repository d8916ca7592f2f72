"""Trained weights on disk: as precise as the heads need, and clear where they are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from scenograph.packs.build.trained import load_trained, read_trained, write_trained
from scenograph.scene.errors import PackBuildFailed


def test_what_is_written_is_read_to_within_a_rounding(tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)
    matrix = torch.randn(400, 300, generator=random) * torch.logspace(-3, 2, 400).unsqueeze(1)
    state = {"matrix": matrix, "scale": torch.rand(300, generator=random), "empty": torch.zeros(300, 400)}
    path = write_trained("head", state, tmp_path)
    assert path.stat().st_size < 1.2 * (400 * 300 * 2)
    again = read_trained("head", tmp_path)
    assert again.keys() == state.keys()
    step = matrix.abs().amax(dim=1, keepdim=True) / 127
    assert bool(((again["matrix"] - matrix).abs() <= 0.51 * step).all())
    torch.testing.assert_close(again["scale"], state["scale"], rtol=1e-3, atol=1e-4)
    assert not again["empty"].any()


def test_a_module_takes_its_weights(tmp_path: Path) -> None:
    trained = nn.Linear(3, 2)
    write_trained("linear", trained.state_dict(), tmp_path)
    loaded = load_trained(nn.Linear(3, 2), "linear", tmp_path)
    torch.testing.assert_close(loaded.weight, trained.weight, rtol=1e-3, atol=1e-3)
    assert not loaded.training


def test_weights_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(PackBuildFailed, match="train-default"):
        read_trained("head", tmp_path)
