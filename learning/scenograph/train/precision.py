"""Half precision where it is faster."""

from __future__ import annotations

import torch


def half_where_fast(device: str, *, wanted: bool = True) -> torch.autocast:
    """Autocast to bfloat16 on this type of device, where that is wanted and the device computes in it.

    A CPU without such units only emulates bfloat16, several times slower than float32.
    """
    return torch.autocast(device, torch.bfloat16, enabled=wanted and (device != "cpu" or _cpu_has_bfloat16()))


def _cpu_has_bfloat16() -> bool:
    found = torch.cpu.get_capabilities()
    return any(bool(found.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16"))
