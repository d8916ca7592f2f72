"""Distance: how far the two sides of a pair are apart."""

from __future__ import annotations

from torch import Tensor, nn

from scenograph.components import losses


@losses("distance.v1")
class Distance(nn.Module):
    """The mean over pairs of the squared Euclidean distance.

    Shapes: image (B, D), text (B, D) -> scalar.  Source: Feng et al. 2014 (Corr-AE).
    """

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        return (image - text).square().sum(dim=1).mean()
