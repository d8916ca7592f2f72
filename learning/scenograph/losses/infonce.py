"""InfoNCE: each image finds its text among the batch's texts, and the reverse."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from scenograph.components import losses


@losses("infonce.v1")
class InfoNCE(nn.Module):
    """Cross-entropy of a batch's cosines over `temperature`, both directions; learnable where `learned`.

    Shapes: image (B, D), text (B, D) -> scalar.  Source: van den Oord et al. 2018, eq. 4; both directions and
    the learned temperature as Radford et al. 2021 (CLIP), section 2.3.
    """

    def __init__(self, *, temperature: float = 0.07, learned: bool = False) -> None:
        super().__init__()
        self.log_scale: Tensor = nn.Parameter(torch.tensor(-math.log(temperature)), requires_grad=learned)

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        scores = normalize(image, dim=1) @ normalize(text, dim=1).T * self.log_scale.exp().clamp(max=100.0)
        right = torch.arange(len(scores), device=scores.device)
        return (cross_entropy(scores, right) + cross_entropy(scores.T, right)) / 2
