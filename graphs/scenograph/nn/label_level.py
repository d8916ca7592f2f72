"""The level of labels: class probabilities of an image and a sentence in one space, with no net between.

What the classifier and the detector say of an image becomes a sentence vector by one linear map. A ridge
regression towards the vectors of the labels' names fits it: classes that captions tell much of mean what is
said of them, all others mean their names. So it speaks of things that training never showed.
Sources: Norouzi et al. 2014 (ConSE: probability-weighted name vectors), Romera-Paredes and Torr 2015 (ESZSL:
ridge regression to an embedding of classes).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

CLASSES, OBJECTS, SENTENCE = 1000, 80, 384
LABEL = "label"
SIZE = 192


class ImageLabels(nn.Module):
    """Label evidence -> unit vector.

    `vectors` (1080, d): what each class and each object adds; `centre` (d,): what photographs have in common.
    `class_power` flattens class probabilities, `object_weight` brings the detector's scores to their size.
    Shapes: class_probs (B, 1000) and object_scores (B, 80) in [0, 1] -> (B, d).
    """

    vectors: Tensor
    centre: Tensor

    def __init__(
        self,
        size: int = SIZE,
        *,
        class_power: float = 0.5,
        object_weight: float = 0.05,
    ) -> None:
        super().__init__()
        self.class_power, self.object_weight = class_power, object_weight
        self.register_buffer("vectors", torch.zeros(CLASSES + OBJECTS, size))
        self.register_buffer("centre", torch.zeros(size))

    def evidence(self, class_probs: Tensor, object_scores: Tensor) -> Tensor:
        """What the vectors are weighted by.  Shapes: (B, 1000), (B, 80) -> (B, 1080)."""
        classes = class_probs.clamp(min=0.0) ** self.class_power
        classes = classes / classes.sum(dim=1, keepdim=True).clamp(min=1e-9)
        return torch.cat([classes, self.object_weight * object_scores], dim=1)

    def forward(self, class_probs: Tensor, object_scores: Tensor) -> Tensor:
        return normalize(self.evidence(class_probs, object_scores) @ self.vectors - self.centre, dim=-1)


class TextLabels(nn.Module):
    """Sentence vectors less what captions have in common, in the directions in which they vary, whitened.

    Shapes: sentence (B, 384) -> (B, d), unit length.
    """

    centre: Tensor
    directions: Tensor

    def __init__(self, size: int = SIZE) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(SENTENCE))
        self.register_buffer("directions", torch.zeros(SENTENCE, size))

    def forward(self, sentence: Tensor) -> Tensor:
        return normalize((sentence - self.centre) @ self.directions, dim=-1)
