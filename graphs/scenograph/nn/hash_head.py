"""HashHead: from an embedding to the real-valued projections whose signs are the binary code."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from scenograph.nn.text_bank import TextBank

BLOCKS = ((48, 64), (96, 192))
"""(directions, bits): bits 0..63 look at the 48 directions in which labels differ most, the rest at 96."""

SEED = 3


class HashHead(nn.Module):
    """A fixed linear map whose signs are the code; bit i is 1 where projection i > 0.

    Within a block the bits are a randomly rotated tight frame of the labels' leading directions, so that
    each bit carries an equal share; the 64- and 128-bit codes are prefixes of the 256-bit one.
    Shapes: embedding (B, D) -> projections (B, 256).
    Source: the PCA and random rotation that ITQ starts from (Gong and Lazebnik 2011), on label vectors,
    untrained.
    """

    def __init__(self, directions: Tensor) -> None:
        super().__init__()
        self.directions: Tensor
        self.register_buffer("directions", directions.clone())

    @classmethod
    def from_bank(cls, bank: TextBank, seed: int = SEED) -> HashHead:
        """The map whose directions are the principal ones of the whitened class vectors."""
        labels = (bank.class_vectors - bank.class_vectors.mean(dim=0)) @ bank.whitening
        labels = normalize(labels, dim=1).double()
        _, found = torch.linalg.eigh(labels.T @ labels)
        leading = found.flip(1)
        largest = leading.abs().argmax(dim=0, keepdim=True)
        leading = leading * torch.sign(leading.gather(0, largest))
        generator = torch.Generator().manual_seed(seed)
        blocks = [leading[:, :size] @ _tight_frame(size, bits, generator) for size, bits in BLOCKS]
        return cls(torch.cat(blocks, dim=1).float())

    def forward(self, embedding: Tensor) -> Tensor:
        return embedding @ self.directions


def _tight_frame(size: int, bits: int, generator: torch.Generator) -> Tensor:
    """`bits` >= `size` directions that cover `size` dimensions evenly.  Shape: (size, bits)."""
    gaussian = torch.randn(bits, size, generator=generator, dtype=torch.float64)
    orthonormal, upper = torch.linalg.qr(gaussian)
    frame: Tensor = (orthonormal * torch.sign(torch.diagonal(upper))).T
    return frame
