"""Projections of features onto the unit sphere, and the levels of an embedding side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

LIMIT = 4.0
"""Standard deviations beyond which a feature says no more."""


class Standardise(nn.Module):
    """Features less their mean, over their deviation, cut at `LIMIT`; all by the training data.

    Shapes: (B, d) -> (B, d).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def fit(self, features: Tensor, *, together: bool = False) -> None:
        """Take mean and deviation of features (n, d); one deviation for all of them where `together`."""
        self.mean.copy_(features.mean(dim=0))
        deviation = (features - self.mean).std() if together else features.std(dim=0)
        self.scale.copy_((deviation + 1e-3).expand_as(self.scale))

    def forward(self, features: Tensor) -> Tensor:
        return ((features - self.mean) / self.scale).clamp(-LIMIT, LIMIT)


class Projection(nn.Module):
    """A perceptron of one hidden layer, its output at unit length.

    Shapes: (B, inputs) -> (B, outputs).
    """

    def __init__(
        self, inputs: int, hidden: int, outputs: int, *, input_dropout: float, dropout: float
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(input_dropout),
            nn.Linear(inputs, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        return normalize(self.layers(features).float(), dim=-1)


def side_by_side(levels: Sequence[Tensor], weights: Tensor) -> Tensor:
    """The levels' unit vectors, each times the root of its weight: the dot product of two such embeddings is
    the weighted sum of the levels' cosines, and their length is 1 where the weights' sum is.

    Shapes: levels of (B, d), weights (L,) -> (B, sum of d).
    """
    roots = weights.sqrt()
    return torch.cat([level * roots[place] for place, level in enumerate(levels)], dim=-1)
