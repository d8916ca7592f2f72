"""Contrast of a batch with the binary keys of every training pair."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from scenograph.components import losses


@losses("bank-contrast.v1")
class BankContrast(nn.Module):
    """Cross-entropy of a vector's cosines with all pairs' keys over `temperature`, the own pair's key being
    right; the mean of both sides. The whole bank is the contrast where the authors sample 4,096 keys.

    Shapes: image, text (B, D), rows (B,), keys (n, D) of -1 and 1 -> scalar.
    Source: Hu et al. 2023 (UCCH), eq. 3 and 4.
    """

    def __init__(self, *, temperature: float = 0.9) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, image: Tensor, text: Tensor, rows: Tensor, keys: Tensor) -> Tensor:
        unit = normalize(keys, dim=1)
        each = [
            cross_entropy(normalize(side, dim=1) @ unit.T / self.temperature, rows) for side in (image, text)
        ]
        return (each[0] + each[1]) / 2
