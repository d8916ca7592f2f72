"""Features compressed for training by principal components, and folded out of the trained weights again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Compression:
    """x -> (x - mean) @ basis, of variance 1 on the whole.  Shapes: mean (c,), basis (c, k)."""

    mean: FloatArray
    basis: FloatArray

    @classmethod
    def fit(cls, features: FloatArray, size: int) -> Compression:
        """The first `size` principal components of features (n, c), all scaled alike.

        Source: Hotelling 1933 (principal components).
        """
        mean = features.mean(axis=0)
        centred = features - mean
        values, vectors = np.linalg.eigh(centred.T @ centred / len(features))
        kept = np.argsort(-values, kind="stable")[:size]
        scale = np.sqrt(values[kept].mean())
        return cls(mean.astype(np.float32), (vectors[:, kept] / scale).astype(np.float32))

    def apply(self, features: FloatArray) -> FloatArray:
        """Shapes: (..., c) -> (..., k)."""
        return np.asarray((features - self.mean) @ self.basis, dtype=np.float32)

    def folded(self, layer: nn.Linear) -> nn.Linear:
        """The linear layer on compressed features as one on the features themselves."""
        basis, mean = torch.from_numpy(self.basis), torch.from_numpy(self.mean)
        whole = nn.Linear(len(mean), layer.out_features)
        with torch.no_grad():
            whole.weight.copy_(layer.weight @ basis.T)
            whole.bias.copy_(layer.bias - whole.weight @ mean)
        return whole
