"""Adversary: a classifier cannot tell which modality a vector comes from."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from scenograph.components import Sizes, losses


class Reversal(torch.autograd.Function):
    """The identity; backwards the gradient times -strength.  Source: Ganin and Lempitsky 2015."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return vectors.view_as(vectors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reversed_gradient(vectors: Tensor, strength: float) -> Tensor:
    """The same vectors, whose gradient is turned round."""
    turned: Tensor = Reversal.apply(vectors, strength)  # type: ignore[no-untyped-call]
    return turned


@losses("adversary.v1")
class Adversary(nn.Module):
    """Cross-entropy of a modality classifier behind a gradient reversal: the classifier learns to tell image
    from text, the networks before it that it cannot. `strength` scales the reversed gradient.

    Shapes: image (B, D), text (B, D) -> scalar.  Source: Wang et al. 2017 (ACMR), eq. 1.
    """

    def __init__(self, sizes: Sizes, /, *, hidden: tuple[int, ...] = (64,), strength: float = 1.0) -> None:
        super().__init__()
        self.strength = strength
        layers: list[nn.Module] = []
        width = sizes.dimension
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            width = size
        self.classifier = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        vectors = reversed_gradient(torch.cat([image, text]), self.strength)
        is_image = torch.cat([torch.ones(len(image)), torch.zeros(len(text))]).to(vectors)
        return binary_cross_entropy_with_logits(self.classifier(vectors).squeeze(1), is_image)
