"""TextHead: from a sentence vector to the embedding that images are compared with."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import normalize

from scenograph.nn.text_bank import TextBank


class TextHead(nn.Module):
    """Subtract what captions have in common, shrink the directions in which they vary most, normalise.

    Shapes: sentence (B, D) -> (B, D), unit length.
    """

    def __init__(self, centre: Tensor, whitening: Tensor) -> None:
        super().__init__()
        self.centre: Tensor
        self.whitening: Tensor
        self.register_buffer("centre", centre.clone())
        self.register_buffer("whitening", whitening.clone())

    @classmethod
    def from_bank(cls, bank: TextBank) -> TextHead:
        """The head whose centre and whitening are the bank's."""
        return cls(bank.text_centre, bank.whitening)

    def forward(self, sentence: Tensor) -> Tensor:
        return normalize((sentence - self.centre) @ self.whitening, dim=1)
