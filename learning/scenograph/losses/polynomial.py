"""Polynomial: pairs weigh by how near they are, matching and other ones each in their own way."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from scenograph.components import losses


@losses("polynomial.v1")
class Polynomial(nn.Module):
    """A polynomial of a pair's cosine plus one of its hardest negative's, if above 0 in sum, both ways.

    The coefficients start with the constant. Items whose hardest negative is further than `margin` below the
    pair add nothing.
    Shapes: image (B, D), text (B, D) -> scalar.  Source: Wei et al. 2020, the loss with the hardest negative.
    """

    def __init__(
        self,
        *,
        margin: float = 0.2,
        positive: tuple[float, ...] = (0.5, -0.7, 0.2),
        negative: tuple[float, ...] = (0.03, -0.4, 0.9),
    ) -> None:
        super().__init__()
        self.margin = margin
        self.positive = positive
        self.negative = negative

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        scores = normalize(image, dim=1) @ normalize(text, dim=1).T
        return self._one_way(scores) + self._one_way(scores.T)

    def _one_way(self, scores: Tensor) -> Tensor:
        right = scores.diagonal()
        own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
        hardest = scores.masked_fill(own, -1.0).amax(dim=1)
        cost = (_value(self.positive, right) + _value(self.negative, hardest)).clamp(min=0)
        return (cost * (hardest > right - self.margin)).mean()


def _value(coefficients: tuple[float, ...], scores: Tensor) -> Tensor:
    return torch.stack([factor * scores**power for power, factor in enumerate(coefficients)]).sum(dim=0)
