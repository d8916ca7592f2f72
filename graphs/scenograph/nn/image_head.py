"""ImageHead: from what an image shows, as label probabilities, to a vector in the sentence space."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from scenograph.nn.text_bank import TextBank


class ImageHead(nn.Module):
    """Label evidence -> embedding, untrained: text vectors weighted by probability, centred and whitened.

    `class_vectors` (C, D), `object_vectors` (O, D), `centre` (D,), `whitening` (D, D) come from a `TextBank`.
    `class_power` flattens the class probabilities, `object_power` sharpens the detector's scores,
    `object_weight` weighs them against the classes (`person_weight` once more for position 0, person, which
    most photos show: `person_typical` is subtracted with the centre).
    Shapes: class_probs (B, C) and object_scores (B, O), both in [0, 1] -> (B, D), unit length.
    Source: Norouzi et al. 2014 (ConSE), "Zero-shot learning by convex combination of semantic embeddings".
    """

    def __init__(
        self,
        class_vectors: Tensor,
        object_vectors: Tensor,
        centre: Tensor,
        whitening: Tensor,
        *,
        class_power: float = 0.55,
        object_power: float = 1.5,
        object_weight: float = 0.035,
        person_weight: float = 0.3,
        person_typical: float = 0.7,
    ) -> None:
        super().__init__()
        weight = torch.full((object_vectors.size(0), 1), object_weight)
        weight[0] *= person_weight
        weighted = object_vectors * weight
        self.class_power = class_power
        self.object_power = object_power
        self.class_vectors: Tensor
        self.object_vectors: Tensor
        self.centre: Tensor
        self.whitening: Tensor
        self.register_buffer("class_vectors", class_vectors.clone())
        self.register_buffer("object_vectors", weighted)
        self.register_buffer("centre", centre + person_typical * weighted[0])
        self.register_buffer("whitening", whitening.clone())

    @classmethod
    def from_bank(cls, bank: TextBank) -> ImageHead:
        """The head whose every vector is in the bank."""
        return cls(bank.class_vectors, bank.object_vectors, bank.image_centre, bank.whitening)

    def forward(self, class_probs: Tensor, object_scores: Tensor) -> Tensor:
        evidence = class_probs.clamp(min=0.0) ** self.class_power
        evidence = evidence / evidence.sum(dim=1, keepdim=True).clamp(min=1e-9)
        objects = object_scores.clamp(min=0.0) ** self.object_power
        shown = evidence @ self.class_vectors + objects @ self.object_vectors
        return normalize((shown - self.centre) @ self.whitening, dim=1)
