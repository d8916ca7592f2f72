"""HashHead: from an embedding to the real-valued projections whose signs are the binary code."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from scenograph.nn.image_head import SIZES

LENGTHS = (64, 128, 256)
"""Bits of the codes: each is the beginning of the next."""
SHARES = (48, 6, 4, 6)
"""Bits of each level in every 64."""


class HashHead(nn.Module):
    """The embedding's levels -> projections; bit i of the code is 1 where projection i > 0.

    Each level has a linear map of its own, which fills the same share of every prefix: `shares` (L,) of the
    first 64 bits, and as many of each 64 after them. The first level's, the scene's, looks at the whole
    embedding, each other at its level alone.
    Shapes: embedding (B, sum of `sizes`), its levels weighted as in `side_by_side` -> projections (B, 256).
    """

    def __init__(self, *, sizes: Sequence[int] = SIZES, shares: Sequence[int] = SHARES) -> None:
        super().__init__()
        if sum(shares) != LENGTHS[0]:
            raise ValueError(f"the shares {shares} are not those of {LENGTHS[0]} bits")
        self.sizes, self.shares = list(sizes), tuple(shares)
        self.blocks = LENGTHS[-1] // LENGTHS[0]
        seen = (sum(sizes), *sizes[1:])
        self.levels = nn.ModuleList(
            nn.Linear(size, share * self.blocks) for size, share in zip(seen, shares, strict=True)
        )

    @torch.no_grad()
    def start(self, image: Tensor, text: Tensor, directions: Sequence[int]) -> None:
        """Begin with random rotations of the `directions` of what each map looks at in which matching images
        and texts vary together the most, at deviation 1 and with their middle at 0.

        Shapes: image, text (n, sum of `sizes`), row i of one matching row i of the other.
        Sources: Gong and Lazebnik 2011 (ITQ: principal directions and a random rotation), Kumar and Udupa
        2011 (CVH: directions common to two modalities).
        """
        pairs = zip(self._seen(image), self._seen(text), strict=True)
        for level, (one, other), count in zip(self.levels, pairs, directions, strict=True):
            assert isinstance(level, nn.Linear)
            middle = (one.mean(dim=0) + other.mean(dim=0)) / 2
            common = (one - one.mean(dim=0)).T @ (other - other.mean(dim=0))
            _, found = torch.linalg.eigh(common + common.T)
            leading = found.flip(1)[:, :count]
            rotations = -(-level.out_features // count)
            turned = [torch.linalg.qr(torch.randn(count, count))[0] for _ in range(rotations)]
            weight = leading @ torch.cat(turned, dim=1)[:, : level.out_features]
            weight = weight / (torch.cat([one, other]) @ weight).std(dim=0).mean()
            level.weight.copy_(weight.T)
            level.bias.copy_(-(middle @ weight))

    def forward(self, embedding: Tensor) -> Tensor:
        parts = [
            network(seen).reshape(-1, self.blocks, share)
            for network, seen, share in zip(self.levels, self._seen(embedding), self.shares, strict=True)
        ]
        return torch.cat(parts, dim=-1).flatten(1)

    def _seen(self, embedding: Tensor) -> list[Tensor]:
        """What each level's map looks at, of unit length."""
        _, *others = torch.split(embedding, self.sizes, dim=-1)
        return [normalize(part, dim=-1) for part in (embedding, *others)]


def bit_ranges(shares: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Which bits of the code are each level's, as [start, stop)."""
    starts = [sum(shares[:place]) for place in range(len(shares))]
    return [
        [(first + start, first + start + share) for first in range(0, LENGTHS[-1], LENGTHS[0])]
        for start, share in zip(starts, shares, strict=True)
    ]
