"""ImageHead: from what an image shows, as label probabilities, to a vector in the sentence space."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenograph.nn.prompts import Encode


class ImageHead(nn.Module):
    """Label evidence -> embedding, without training: the text vectors of the likely labels, weighted by their probability, centred.

    `class_vectors` (1000, D) and `object_vectors` (80, D) are text vectors of the ImageNet classes and COCO objects; `centre` (D,) is
    subtracted before the last normalisation.
    Shapes: class_probs (B, 1000) and object_scores (B, 80), both in [0, 1] -> (B, D), unit length.
    Source: Norouzi et al. 2014, "Zero-shot learning by convex combination of semantic embeddings" (ConSE), with detector labels added.
    """

    def __init__(
        self, class_vectors: Tensor, object_vectors: Tensor, centre: Tensor, *, top: int = 30, object_weight: float = 0.5
    ) -> None:
        super().__init__()
        self.top = top
        self.object_weight = object_weight
        self.class_vectors: Tensor
        self.object_vectors: Tensor
        self.centre: Tensor
        self.register_buffer("class_vectors", class_vectors.clone())
        self.register_buffer("object_vectors", object_vectors.clone())
        self.register_buffer("centre", centre.clone())

    @classmethod
    def from_text(cls, encode: Encode, class_names: Sequence[str], object_names: Sequence[str]) -> ImageHead:
        """Make the head from the text encoder.

        `class_names`: the 1000 ImageNet classes in output order, each as its comma-separated synonyms ("tench, Tinca tinca");
        `object_names`: the 80 COCO classes in output order.
        """
        class_vectors = torch.as_tensor(encode([f"a photo of a {name.split(',')[0].strip()}" for name in class_names]))
        object_vectors = torch.as_tensor(encode([f"a photo of a {name}" for name in object_names]))
        return cls(class_vectors, object_vectors, class_vectors.mean(dim=0))

    def forward(self, class_probs: Tensor, object_scores: Tensor) -> Tensor:
        probs, index = torch.topk(class_probs, self.top, dim=1)
        kept = torch.zeros_like(class_probs).scatter(1, index, probs / probs.sum(dim=1, keepdim=True))
        mixed = kept @ self.class_vectors + self.object_weight * (object_scores @ self.object_vectors)
        weight = kept.sum(dim=1, keepdim=True) + self.object_weight * object_scores.sum(dim=1, keepdim=True)
        return functional.normalize(mixed / weight - self.centre, dim=1)
