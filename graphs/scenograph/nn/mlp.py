"""MLP: fully connected layers from a modality's features to the common space."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from scenograph.components import nets

Activation = Literal["relu", "gelu", "tanh", "sigmoid"]
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


@nets("mlp.v1")
class MLP(nn.Module):
    """Hidden layers, each with an activation, then a linear one; without hidden layers a linear map.

    Shapes: (B, features) -> (B, dimension).
    """

    def __init__(
        self,
        features: int,
        dimension: int,
        /,
        *,
        hidden: tuple[int, ...] = (1024,),
        activation: Activation = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = features
        for size in hidden:
            layers.append(nn.Linear(width, size))
            if batch_norm:
                layers.append(nn.BatchNorm1d(size))
            layers.append(ACTIVATIONS[activation]())
            if dropout:
                layers.append(nn.Dropout(dropout))
            width = size
        layers.append(nn.Linear(width, dimension, bias=bias))
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        vectors: Tensor = self.layers(features)
        return vectors
