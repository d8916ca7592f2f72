"""Classification: one classifier reads the classes off either side."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from scenograph.components import Sizes, losses

Classes = Literal["one", "many"]


@losses("classification.v1")
class Classification(nn.Module):
    """Cross-entropy of a linear classifier that both sides share: softmax where an item has `one` class, a
    sigmoid for each class where it has `many`; the sum of both sides.

    Shapes: image, text (B, D), labels (B, classes) -> scalar.  Source: Wang et al. 2017 (ACMR), eq. 2.
    """

    def __init__(self, sizes: Sizes, /, *, classes: Classes = "one") -> None:
        super().__init__()
        self.classes = classes
        self.classifier = nn.Linear(sizes.dimension, sizes.classes)

    def forward(self, image: Tensor, text: Tensor, labels: Tensor) -> Tensor:
        return self._of(image, labels) + self._of(text, labels)

    def _of(self, vectors: Tensor, labels: Tensor) -> Tensor:
        logits = self.classifier(vectors)
        if self.classes == "one":
            return cross_entropy(logits, labels.argmax(dim=1))
        return binary_cross_entropy_with_logits(logits, labels)
