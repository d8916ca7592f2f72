"""Triplet: a pair is closer than either side is to another's, by a margin."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from scenograph.components import losses

Negatives = Literal["all", "hardest"]


@losses("triplet.v1")
class Triplet(nn.Module):
    """Hinge of cosines against the batch's other items, both directions: the sum over all of them, or the
    hardest alone; the mean over pairs.

    Shapes: image (B, D), text (B, D) -> scalar.  Source: Faghri et al. 2018 (VSE++), eq. 5 and eq. 6.
    """

    def __init__(self, *, margin: float = 0.2, negatives: Negatives = "hardest") -> None:
        super().__init__()
        self.margin = margin
        self.negatives = negatives

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        scores = normalize(image, dim=1) @ normalize(text, dim=1).T
        return hinge(scores, self.margin, self.negatives)


def hinge(scores: Tensor, margin: float, negatives: Negatives) -> Tensor:
    """The loss of a matrix of scores.  Shapes: (B, B), pairs on the diagonal -> scalar."""
    right = scores.diagonal()
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    texts = (margin + scores - right[:, None]).clamp(min=0).masked_fill(own, 0)
    images = (margin + scores - right[None, :]).clamp(min=0).masked_fill(own, 0)
    if negatives == "hardest":
        return (texts.amax(dim=1) + images.amax(dim=0)).mean()
    return (texts.sum(dim=1) + images.sum(dim=0)).mean()
