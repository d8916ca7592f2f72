"""Correlation: DCCA's total correlation of two batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scenograph.components import losses


@losses("correlation.v1")
class Correlation(nn.Module):
    """The negative sum of the largest singular values of the whitened cross-covariance, in double precision.

    `components` counts the singular values, 0 takes all; `ridge` is added to both covariances' diagonals. A
    batch must be larger than D to say anything.
    Shapes: image (B, D), text (B, D) -> scalar in [-D, 0].  Source: Andrew et al. 2013 (DCCA), section 3.
    """

    def __init__(self, *, components: int = 0, ridge: float = 1e-3) -> None:
        super().__init__()
        self.components = components
        self.ridge = ridge

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        x, y = (side.double() - side.double().mean(dim=0) for side in (image, text))
        pairs = len(x) - 1
        whitened = _inverse_root(x.T @ x / pairs, self.ridge) @ (x.T @ y / pairs)
        whitened = whitened @ _inverse_root(y.T @ y / pairs, self.ridge).T
        values: Tensor = torch.linalg.svdvals(whitened)
        kept = values[: self.components] if self.components else values
        return -kept.sum().to(image.dtype)


def _inverse_root(covariance: Tensor, ridge: float) -> Tensor:
    """The inverse of the Cholesky factor: any root of the inverse leaves the singular values as they are."""
    identity = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
    factor = torch.linalg.cholesky(covariance + ridge * identity)
    root: Tensor = torch.linalg.solve_triangular(factor, identity, upper=False)
    return root
