"""Agreement: a pair's two vectors point the same way."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from scenograph.components import losses


@losses("agreement.v1")
class Agreement(nn.Module):
    """The negative mean cosine of the pairs.

    Shapes: image (B, D), text (B, D) -> scalar in [-1, 1].  Source: Liu et al. 2020 (JDSH).
    """

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        return -cosine_similarity(image, text, dim=1).mean()
