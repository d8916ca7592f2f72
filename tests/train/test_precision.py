"""Half precision: only where it is wanted, and not where a CPU would emulate it."""

from __future__ import annotations

import pytest
import torch

from scenograph.train.precision import half_where_fast


@pytest.mark.parametrize("has", [False, True])
@pytest.mark.parametrize("wanted", [False, True])
def test_a_cpu_halves_where_it_can(monkeypatch: pytest.MonkeyPatch, has: bool, wanted: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "amx_bf16": has})
    layer = torch.nn.Linear(4, 4)
    with half_where_fast("cpu", wanted=wanted):
        computed = layer(torch.ones(1, 4)).dtype
    assert computed == (torch.bfloat16 if has and wanted else torch.float32)
