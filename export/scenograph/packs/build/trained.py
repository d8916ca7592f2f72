"""The weights that this project has trained, as they lie in `packs/heads`: read for a build, written by
training.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from scenograph.scene.errors import PackBuildFailed

Module = TypeVar("Module", bound=nn.Module)
FOLDER = Path(__file__).resolve().parents[1] / "heads"
_LARGE = 100_000  # elements
_SCALE = ".row_scale"


def read_trained(name: str, folder: Path = FOLDER) -> dict[str, Tensor]:
    """The tensors of `<name>.safetensors`, as float32.  Errors: PackBuildFailed (missing)."""
    from safetensors.torch import load_file

    path = folder / f"{name}.safetensors"
    if not path.is_file():
        raise PackBuildFailed(f"{path} is missing; `make train-default` writes it")
    kept = {key: tensor.to(torch.float32) for key, tensor in load_file(path).items()}
    scales = {key.removesuffix(_SCALE): kept.pop(key) for key in list(kept) if key.endswith(_SCALE)}
    return {key: tensor * scales[key] if key in scales else tensor for key, tensor in kept.items()}


def load_trained(module: Module, name: str, folder: Path = FOLDER) -> Module:
    """The module with the weights of `<name>.safetensors`, ready for inference."""
    module.load_state_dict(read_trained(name, folder))
    return module.eval()


def write_trained(name: str, state: Mapping[str, Tensor], folder: Path = FOLDER) -> Path:
    """Write tensors as float16, large matrices as int8 with a scale a row: as precise as the heads need."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    kept: dict[str, Tensor] = {}
    for key, tensor in sorted(state.items()):
        values = tensor.detach().to(torch.float32)
        if values.ndim == 2 and values.numel() >= _LARGE:
            scale = (values.abs().amax(dim=1, keepdim=True) / 127).clamp_min(1e-9)
            kept[key] = (values / scale).round().to(torch.int8)
            kept[key + _SCALE] = scale
        else:
            kept[key] = values.to(torch.float16).contiguous()
    part = path.with_suffix(".part")
    save_file(kept, part)
    part.replace(path)
    return path
