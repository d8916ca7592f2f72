"""Scaling of features before a network sees them, learned on the training features."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

Scaling = Literal["none", "standard", "unit"]
_CHUNK = 4096


class Scale(nn.Module):
    """`standard` gives every dimension mean 0 and deviation 1, `unit` every row length 1, `none` leaves them.

    Shapes: (B, features) -> (B, features).
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, kind: Scaling, features: int) -> None:
        super().__init__()
        self.kind = kind
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))

    def fit(self, train: NDArray[np.floating]) -> None:
        """Learn what `standard` needs.  Shapes: (n, features)."""
        if self.kind == "standard":
            mean, deviation = _moments(train)
            self.mean.copy_(torch.from_numpy(mean))
            self.deviation.copy_(torch.from_numpy(deviation))

    def forward(self, features: Tensor) -> Tensor:
        if self.kind == "unit":
            return normalize(features, dim=1)
        return (features - self.mean) / self.deviation


def _moments(rows: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column, 1 where a column is constant; reads rows in chunks."""
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(rows), _CHUNK)]
    mean, squares = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    for chunk in chunks:
        mean += rows[chunk].sum(axis=0, dtype=np.float64) / len(rows)
    for chunk in chunks:
        squares += ((rows[chunk] - mean) ** 2).sum(axis=0)
    deviation = np.sqrt(squares / len(rows))
    return mean, np.where(deviation > 0, deviation, 1.0)
