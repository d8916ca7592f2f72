"""ScoreContrast: InfoNCE of a matrix of scores, for matchers that have no vectors to compare."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from scenograph.components import losses


@losses("score_contrast.v1")
class ScoreContrast(nn.Module):
    """Cross-entropy of the scores over `temperature`, both directions; learnable where `learned`. `on` names
    the scores.

    Shapes: scores (B, B), pairs on the diagonal -> scalar.  Source: van den Oord et al. 2018, eq. 4.
    """

    def __init__(self, *, temperature: float = 0.07, learned: bool = False, on: str = "scores") -> None:
        super().__init__()
        self.on = on
        self.log_scale: Tensor = nn.Parameter(torch.tensor(-math.log(temperature)), requires_grad=learned)

    def forward(self, scores: Tensor) -> Tensor:
        scaled = scores * self.log_scale.exp().clamp(max=100.0)
        right = torch.arange(len(scores), device=scores.device)
        return (cross_entropy(scaled, right) + cross_entropy(scaled.T, right)) / 2
