"""TextHead: from a sentence vector to the embedding that images are compared with."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenograph.nn.prompts import Encode, encode_mean, generic_sentences


class TextHead(nn.Module):
    """Subtract what all captions share, then normalise.

    Shapes: sentence (B, D) -> (B, D), unit length.
    """

    def __init__(self, centre: Tensor) -> None:
        super().__init__()
        self.centre: Tensor
        self.register_buffer("centre", centre.clone())

    @classmethod
    def from_text(cls, encode: Encode) -> TextHead:
        """Make the head from the text encoder: the centre is the mean vector of `generic_sentences()`."""
        return cls(encode_mean(encode, generic_sentences()))

    def forward(self, sentence: Tensor) -> Tensor:
        return functional.normalize(sentence - self.centre, dim=1)
