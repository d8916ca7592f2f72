"""ImageHead: from what the vision models say of an image to its embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor, nn

from scenograph.nn.label_level import LABEL, ImageLabels
from scenograph.nn.label_level import SIZE as LABEL_SIZE
from scenograph.nn.projection import Projection, Standardise, side_by_side

INPUTS: Mapping[str, int] = MappingProxyType(
    {"backbone": 2560, "tuned": 2560, "detector": 2560, "classes": 1000, "objects": 80}
)
LEVELS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "scene": ("tuned", "detector"),
        "object": ("backbone", "detector", "classes", "objects"),
        "relation": ("backbone", "detector"),
    }
)
"""What each trained level looks at."""
NAMES = (*LEVELS, LABEL)
TRAINED_SIZES, HIDDEN = (384, 192, 192), (1024, 512, 512)
"""Components of each trained level's vector, and units of its hidden layer."""
SIZES = (*TRAINED_SIZES, LABEL_SIZE)
EVEN = (1 / len(NAMES),) * len(NAMES)
FLOOR = 1e-4
"""Probabilities below it are all alike."""


class ImageHead(nn.Module):
    """Features of an image -> embedding: the scene's, the objects', the relations' and the labels' unit
    vector, weighted.

    Shapes: class_probs (B, 1000) and object_scores (B, 80) in [0, 1]; features (B, 5120), the backbone's
    pooled map and then its tuned last stage's; detector_features (B, 2560) -> (B, sum of `sizes`), unit
    length.
    """

    weights: Tensor

    def __init__(
        self,
        *,
        sizes: Sequence[int] = TRAINED_SIZES,
        hidden: Sequence[int] = HIDDEN,
        weights: Sequence[float] = EVEN,
        input_dropout: float = 0.2,
        dropout: float = 0.4,
    ) -> None:
        super().__init__()
        self.inputs = nn.ModuleDict({name: Standardise(size) for name, size in INPUTS.items()})
        self.levels = nn.ModuleDict(
            {
                name: Projection(
                    sum(INPUTS[source] for source in sources),
                    width,
                    size,
                    input_dropout=input_dropout,
                    dropout=dropout,
                )
                for (name, sources), size, width in zip(LEVELS.items(), sizes, hidden, strict=True)
            }
        )
        self.label = ImageLabels()
        self.register_buffer("weights", torch.tensor(weights), persistent=False)

    def forward(
        self, class_probs: Tensor, object_scores: Tensor, features: Tensor, detector_features: Tensor
    ) -> Tensor:
        plain, tuned = torch.split(features, INPUTS["backbone"], dim=-1)
        seen = {
            "backbone": plain,
            "tuned": tuned,
            "detector": detector_features,
            "classes": torch.log(class_probs + FLOOR),
            "objects": object_scores,
        }
        return side_by_side(list(self.by_level(seen).values()), self.weights)

    def standardise(self, name: str) -> Standardise:
        """The layer that an input goes through first."""
        layer = self.inputs[name]
        assert isinstance(layer, Standardise)
        return layer

    def by_level(self, seen: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each level's unit vectors, by `NAMES`.  Shapes: the inputs of `INPUTS` (B, d) -> (B, size) each."""
        ready = {name: self.inputs[name](value) for name, value in seen.items()}
        trained = {
            name: self.levels[name](torch.cat([ready[source] for source in sources], dim=-1))
            for name, sources in LEVELS.items()
        }
        return {**trained, LABEL: self.label(torch.exp(seen["classes"]) - FLOOR, seen["objects"])}
