"""The head: from a network's output to the common space, real or binary."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scenograph.methods.recipe import Head


class CommonHead(nn.Module):
    """`real` leaves the output as it is; `tanh` is tanh(scale * x); `sign` is the sign of x, with the
    gradient of x (the straight-through estimator). At inference bit i is x_i > 0, whatever the kind.

    Shapes: (B, D) -> (B, D).  Source for `sign`: Bengio et al. 2013, arXiv 1308.3432.
    """

    scale: Tensor

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.kind = head.kind
        self.register_buffer("scale", torch.tensor(head.scale))

    def forward(self, output: Tensor) -> Tensor:
        match self.kind:
            case "tanh":
                return torch.tanh(self.scale * output)
            case "sign":
                return output + (torch.where(output > 0, 1.0, -1.0) - output).detach()
        return output
