"""Likelihood: inner products say which items share a class."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import softplus

from scenograph.components import losses

Pairs = Literal["inter", "intra", "both"]


def negative_log_likelihood(first: Tensor, second: Tensor, similar: Tensor) -> Tensor:
    """-log p(similar), the sigmoid of half an inner product being the chance of it; the mean over entries.

    Shapes: (n, D), (m, D), similar (n, m) of 0 and 1 -> scalar.  Source: Jiang and Li 2017 (DCMH), eq. 1.
    """
    theta = first @ second.T / 2
    return (softplus(theta) - similar * theta).mean()


def shared_labels(first: Tensor, second: Tensor) -> Tensor:
    """1 where two items share a class.  Shapes: (n, classes), (m, classes) of 0 and 1 -> (n, m)."""
    return (first @ second.T > 0).to(first.dtype)


@losses("likelihood.v1")
class Likelihood(nn.Module):
    """Pairwise negative log-likelihood in a batch: between modalities, within each, or all three summed.

    Shapes: image, text (B, D), labels (B, classes) -> scalar.
    Source: Jiang and Li 2017 (DCMH), eq. 1; within a modality Yang et al. 2017 (PRDH).
    """

    def __init__(self, *, pairs: Pairs = "inter") -> None:
        super().__init__()
        self.pairs = pairs

    def forward(self, image: Tensor, text: Tensor, labels: Tensor) -> Tensor:
        similar = shared_labels(labels, labels)
        total = image.new_zeros(())
        if self.pairs in {"inter", "both"}:
            total = total + negative_log_likelihood(image, text, similar)
        if self.pairs in {"intra", "both"}:
            total = total + negative_log_likelihood(image, image, similar)
            total = total + negative_log_likelihood(text, text, similar)
        return total
