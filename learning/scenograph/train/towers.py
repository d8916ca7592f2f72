"""A tower: one modality's way from features to the common space."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from scenograph.components import nets
from scenograph.methods.contracts import FloatArray
from scenograph.methods.recipe import Recipe
from scenograph.train.head import CommonHead
from scenograph.train.scaling import Scale

Side = Literal["image", "text"]
_ROWS = 1024


class Tower(nn.Module):
    """Features scaled, through the net, and through the head."""

    def __init__(self, scale: Scale, net: nn.Module, head: CommonHead) -> None:
        super().__init__()
        self.scale = scale
        self.net = net
        self.head = head

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """`features` scaled, the net's `output` (with all else that it gives), and the head's `vector`."""
        scaled = self.scale(features)
        found = self.net(scaled)
        values = dict(found) if isinstance(found, Mapping) else {"output": found}
        return {"features": scaled, **values, "vector": self.head(values["output"])}


def make_tower(recipe: Recipe, side: Side, features: int) -> Tower:
    """The recipe's tower of that side for so many features; its scaling is yet to be fitted."""
    net, extra = recipe.nets[side], tuple(map(Path, recipe.components))
    built = nets.build(net.name, features, recipe.head.dimension, parameters=net.parameters, extra=extra)
    scaling = recipe.data.image_scale if side == "image" else recipe.data.text_scale
    return Tower(Scale(scaling, features), built, CommonHead(recipe.head))


def encode(tower: Tower, features: FloatArray) -> Tensor:
    """The tower's output before the head, in evaluation mode, without gradients, for any number of rows.

    Shapes: (n, d) -> (n, D).
    """
    training, device = tower.training, tower.scale.mean.device
    tower.eval()
    try:
        with torch.no_grad():
            parts = [
                tower(as_tensor(features[start : start + _ROWS]).to(device))["output"]
                for start in range(0, max(len(features), 1), _ROWS)
            ]
    finally:
        tower.train(training)
    return torch.cat(parts)


def as_tensor(rows: np.ndarray[Any, Any]) -> Tensor:
    """A float32 tensor of its own of these rows, which may be memory-mapped, of any type."""
    return torch.from_numpy(np.array(rows, dtype=np.float32))
