"""Ranking: a pair is closer than all others, the nearer of which count more."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from scenograph.components import losses


@losses("ranking.v1")
class Ranking(nn.Module):
    """A soft maximum of the batch's cosines over the pair's own, both directions. Negatives that are further
    than `margin` below the pair's own cosine are lowered by `shift`: they count less, but they all count.

    Shapes: image (B, D), text (B, D) -> scalar.  Source: Hu et al. 2023 (UCCH), the cross-modal ranking loss.
    """

    def __init__(self, *, margin: float = 0.2, shift: float = 1.0, temperature: float = 1.0) -> None:
        super().__init__()
        self.margin = margin
        self.shift = shift
        self.temperature = temperature

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        scores = normalize(image, dim=1) @ normalize(text, dim=1).T
        return self._one_way(scores) + self._one_way(scores.T)

    def _one_way(self, scores: Tensor) -> Tensor:
        right = scores.diagonal()
        far = scores < right[:, None] - self.margin
        lowered = torch.where(far, scores - self.shift, scores)
        highest = self.temperature * (lowered / self.temperature).logsumexp(dim=1)
        return (highest - right + self.margin).mean()
