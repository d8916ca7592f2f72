"""Affinity: cosines of codes rebuild a given similarity of the items."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import mse_loss, normalize

from scenograph.components import losses


@losses("affinity.v1")
class Affinity(nn.Module):
    """Mean squared difference between `scale` times the items' affinity and the cosines of their vectors:
    between modalities times `inter`, within each times `intra`.

    Shapes: image, text (B, D), affinity (B, B) in [-1, 1] -> scalar.  Source: Su et al. 2019 (DJSRH).
    """

    def __init__(self, *, scale: float = 1.5, inter: float = 1.0, intra: float = 0.1) -> None:
        super().__init__()
        self.scale = scale
        self.inter = inter
        self.intra = intra

    def forward(self, image: Tensor, text: Tensor, affinity: Tensor) -> Tensor:
        image, text = normalize(image, dim=1), normalize(text, dim=1)
        wanted = self.scale * affinity
        within = mse_loss(image @ image.T, wanted) + mse_loss(text @ text.T, wanted)
        return self.inter * mse_loss(image @ text.T, wanted) + self.intra * within
