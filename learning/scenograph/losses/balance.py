"""Balance: each bit is 1 for half of the items."""

from __future__ import annotations

from torch import Tensor, nn

from scenograph.components import losses


@losses("balance.v1")
class Balance(nn.Module):
    """The mean over bits of the squared batch mean, summed over both sides.

    Shapes: image, text (B, D) -> scalar.  Source: Jiang and Li 2017 (DCMH), eq. 1, last term.
    """

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        return image.mean(dim=0).square().mean() + text.mean(dim=0).square().mean()
