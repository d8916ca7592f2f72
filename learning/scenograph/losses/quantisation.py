"""Quantisation: vectors near the code that they will become."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from scenograph.components import losses

Target = Literal["unified", "own"]


@losses("quantisation.v1")
class Quantisation(nn.Module):
    """Mean squared distance of both sides to their code: `codes` where a hook gives them, else the sign of
    the sum of both sides (`unified`), or each side's own sign.

    Shapes: image, text (B, D), codes (B, D) of -1 and 1 -> scalar.  Source: Jiang and Li 2017 (DCMH), eq. 1.
    """

    def __init__(self, *, target: Target = "unified") -> None:
        super().__init__()
        self.target = target

    def forward(self, image: Tensor, text: Tensor, codes: Tensor | None = None) -> Tensor:
        if codes is not None:
            return mse_loss(image, codes) + mse_loss(text, codes)
        if self.target == "unified":
            both = _sign(image + text)
            return mse_loss(image, both) + mse_loss(text, both)
        return mse_loss(image, _sign(image)) + mse_loss(text, _sign(text))


def _sign(vectors: Tensor) -> Tensor:
    return torch.where(vectors.detach() > 0, 1.0, -1.0)
