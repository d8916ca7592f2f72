"""Codes that give back both how items correlate and what each item is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch_geometric.nn import DenseGCNConv

from scenograph.components import Sizes, losses
from scenograph.losses.reconstruction import Decoders


@losses("correlation-identity.v1")
class CorrelationIdentity(Decoders):
    """A graph convolution over the batch's affinity fuses both modalities' features to unified vectors; both
    sides follow these (`unify`), and each side's own features are decoded from its vectors (`identity`). The
    unified vectors' cosines reproduce the affinity (`correlation`).

    Shapes: image, text (B, D), image_features (B, dx), text_features (B, dy), affinity (B, B) -> scalar.
    Source: Zhu et al. 2022 (CIRH); one graph convolution, of torch-geometric, stands for the authors' two.
    """

    def __init__(
        self,
        sizes: Sizes,
        /,
        *,
        width: int = 512,
        hidden: tuple[int, ...] = (512,),
        correlation: float = 1.0,
        identity: float = 0.1,
        unify: float = 1.0,
        scale: float = 1.0,
    ) -> None:
        super().__init__(sizes, hidden)
        self.weights = (correlation, identity, unify)
        self.scale = scale
        self.fuse = nn.Sequential(nn.Linear(sizes.image + sizes.text, width), nn.ReLU())
        self.convolve = DenseGCNConv(width, sizes.dimension)

    def forward(
        self, image: Tensor, text: Tensor, image_features: Tensor, text_features: Tensor, affinity: Tensor
    ) -> Tensor:
        nodes = self.fuse(torch.cat([image_features, text_features], dim=1))
        unified = torch.tanh(self.convolve(nodes, affinity.clamp(min=0.0)).squeeze(0))
        unit = nn.functional.normalize(unified, dim=1)
        parts = (
            mse_loss(unit @ unit.T, self.scale * affinity),
            mse_loss(self.image(image), image_features) + mse_loss(self.text(text), text_features),
            mse_loss(image, unified) + mse_loss(text, unified),
        )
        return sum((weight * part for weight, part in zip(self.weights, parts, strict=True)), 0 * parts[0])
