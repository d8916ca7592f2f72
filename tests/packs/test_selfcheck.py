"""The self-check compares a pack's models with their recorded answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.packs.small_pack import OUTPUTS, make_pack

from scenograph.packs import self_check
from scenograph.scene.errors import PackCorrupt

Arrays = Mapping[str, NDArray[Any]]


def answering(change: NDArray[Any] | float) -> Any:
    def run(model: str, feeds: Arrays) -> Arrays:
        assert model == "double"
        return {"y": feeds["x"] * 2 + change}

    return run


def test_accepts_answers_within_the_tolerance(tmp_path: Path) -> None:
    pack = make_pack(tmp_path)
    self_check(pack, answering(0.0))
    self_check(pack, answering(5e-4))


@pytest.mark.parametrize("change", [0.01, -0.5, np.nan, np.inf])
def test_refuses_other_answers(tmp_path: Path, change: float) -> None:
    with pytest.raises(PackCorrupt, match=r"double.y is .* off the recorded answer; 0.001 is allowed"):
        self_check(make_pack(tmp_path), answering(change))


def test_refuses_another_shape(tmp_path: Path) -> None:
    pack = make_pack(tmp_path)
    with pytest.raises(PackCorrupt, match=r"shape \(1, 2\), not \(2, 2\)"):
        self_check(pack, lambda model, feeds: {"y": OUTPUTS["y"][:1]})
