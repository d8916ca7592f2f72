"""Calibrated: the last step from scores to probabilities, fitted on examples that were not trained on."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Calibrated(nn.Module):
    """Logistic scaling of each word's score: sigmoid(slope * score + offset).

    Shapes: (..., W) -> (..., W) in [0, 1]. Source: Platt 1999.
    """

    slope: Tensor
    offset: Tensor

    def __init__(self, words: int) -> None:
        super().__init__()
        self.register_buffer("slope", torch.ones(words))
        self.register_buffer("offset", torch.zeros(words))

    def forward(self, scores: Tensor) -> Tensor:
        return torch.sigmoid(self.slope * scores + self.offset)
