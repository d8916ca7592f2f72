"""Decorrelation: no bit repeats another."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scenograph.components import losses


@losses("decorrelation.v1")
class Decorrelation(nn.Module):
    """The mean squared correlation of different dimensions over the batch, summed over both sides.

    Shapes: image, text (B, D) -> scalar in [0, 2].  Source: Yang et al. 2017 (PRDH), the decorrelation term.
    """

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        return _between(image) + _between(text)


def _between(vectors: Tensor) -> Tensor:
    centred = vectors - vectors.mean(dim=0)
    unit = centred / centred.square().sum(dim=0).add(1e-8).sqrt()
    correlation = unit.T @ unit
    different = ~torch.eye(len(correlation), dtype=torch.bool, device=correlation.device)
    return correlation[different].square().mean() if len(correlation) > 1 else correlation.sum() * 0
