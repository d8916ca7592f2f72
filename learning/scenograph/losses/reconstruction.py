"""Reconstruction: features rebuilt from the common space, of the same modality or of the other."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import mse_loss

from scenograph.components import Sizes, losses


class Decoders(nn.Module):
    """Two decoders from the common space to the features of a modality each, with ReLU hidden layers."""

    def __init__(self, sizes: Sizes, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.image = _decoder(sizes.dimension, hidden, sizes.image)
        self.text = _decoder(sizes.dimension, hidden, sizes.text)


@losses("reconstruction.v1")
class Reconstruction(Decoders):
    """Mean squared error of each modality's features, decoded from its own vectors; the sum of both.

    Shapes: image, text (B, D), image_features (B, dx), text_features (B, dy) -> scalar.
    Source: Feng et al. 2014 (Corr-AE).
    """

    def __init__(self, sizes: Sizes, /, *, hidden: tuple[int, ...] = ()) -> None:
        super().__init__(sizes, hidden)

    def forward(self, image: Tensor, text: Tensor, image_features: Tensor, text_features: Tensor) -> Tensor:
        return mse_loss(self.image(image), image_features) + mse_loss(self.text(text), text_features)


@losses("cross-reconstruction.v1")
class CrossReconstruction(Decoders):
    """Mean squared error of each modality's features, decoded from the other's vectors; the sum of both.

    Shapes: image, text (B, D), image_features (B, dx), text_features (B, dy) -> scalar.
    Source: Feng et al. 2014 (Corr-Cross-AE).
    """

    def __init__(self, sizes: Sizes, /, *, hidden: tuple[int, ...] = ()) -> None:
        super().__init__(sizes, hidden)

    def forward(self, image: Tensor, text: Tensor, image_features: Tensor, text_features: Tensor) -> Tensor:
        return mse_loss(self.image(text), image_features) + mse_loss(self.text(image), text_features)


def _decoder(width: int, hidden: tuple[int, ...], features: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(width, size), nn.ReLU()]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, features))
