"""HashHead: from an embedding to the real-valued projections whose signs are the binary code."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class HashHead(nn.Module):
    """A fixed orthonormal rotation, whose signs are the code; bit i is 1 where projection i > 0.

    Any prefix of the projections is again a set of orthonormal directions, so that 64- and 128-bit codes are prefixes of the 256-bit one.
    Shapes: embedding (B, D) -> projections (B, bits).
    Source: the random rotation that ITQ starts from (Gong and Lazebnik 2011), without its training.
    """

    SEED = 256

    def __init__(self, rotation: Tensor) -> None:
        super().__init__()
        self.rotation: Tensor
        self.register_buffer("rotation", rotation.clone())

    @classmethod
    def random(cls, dim: int = 384, bits: int = 256, seed: int = SEED) -> HashHead:
        """The rotation of one seed: the same on every machine up to rounding."""
        generator = torch.Generator().manual_seed(seed)
        gaussian = torch.randn(dim, dim, generator=generator, dtype=torch.float64)
        orthonormal, upper = torch.linalg.qr(gaussian)
        return cls((orthonormal * torch.sign(torch.diagonal(upper)))[:, :bits].float())

    def forward(self, embedding: Tensor) -> Tensor:
        return embedding @ self.rotation
