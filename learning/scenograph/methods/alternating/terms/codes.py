"""Terms that tie the binary codes B to the real factors V."""

from __future__ import annotations

import numpy as np
from scipy.linalg import svd

from scenograph.components import terms
from scenograph.methods.alternating.problem import EMPTY, Problem, Quadratic, Unknowns, squared
from scenograph.methods.kernel import Matrix


@terms("rotate.v1")
class Rotate:
    """weight |B - V R|^2 with R'R = I: codes are rotated factors, quantised; R = I where not `rotated`.

    Source: Li et al., ACM MM 2018 (SCRATCH); Gong & Lazebnik, CVPR 2011 (ITQ).
    """

    def __init__(self, weight: float = 1.0, rotated: bool = True) -> None:
        self.weight = weight
        self.rotated = rotated
        self.rotation = EMPTY

    def fit(self, problem: Problem, unknowns: Unknowns) -> None:
        if not self.rotated:
            self.rotation = np.eye(unknowns.latent.shape[1])
            return
        u, _, vt = svd(unknowns.latent.T @ unknowns.codes)
        self.rotation = u @ vt

    def value(self, problem: Problem, unknowns: Unknowns) -> float:
        return self.weight * squared(unknowns.codes - unknowns.latent @ self.rotation)

    def of_latent(self, problem: Problem, unknowns: Unknowns) -> Quadratic:
        size = len(self.rotation)
        return Quadratic(self.weight * np.eye(size), self.weight * unknowns.codes @ self.rotation.T)

    def of_codes(self, problem: Problem, unknowns: Unknowns) -> Quadratic:
        size = len(self.rotation)
        return Quadratic(self.weight * np.eye(size), self.weight * unknowns.latent @ self.rotation)


@terms("similarity.v1")
class Similarity:
    """(weight / k) |k S - B V'|^2 with S = 2 L L' - 1: inner products of codes and factors follow the labels.

    The factors stand in for the second B of |S - B B'/k|^2. No n x n matrix is made.
    Source: Wang et al., TKDE 2020 (BATCH); Shen et al., CVPR 2015.
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def fit(self, problem: Problem, unknowns: Unknowns) -> None:
        """It has no parameters of its own."""

    def value(self, problem: Problem, unknowns: Unknowns) -> float:
        v, b, labels = unknowns.latent, unknowns.codes, problem.labels
        n, size = v.shape
        total = labels.sum(axis=0)
        of_labels = 4 * squared(labels.T @ labels) - 4 * float(total @ total) + n * n
        of_products = float(np.vdot(b.T @ b, v.T @ v))
        inner = float(np.vdot(b, _similar(labels, v)))
        return self.weight * float(size * of_labels - 2 * inner + of_products / size)

    def of_latent(self, problem: Problem, unknowns: Unknowns) -> Quadratic:
        return self._quadratic(problem, unknowns.codes)

    def of_codes(self, problem: Problem, unknowns: Unknowns) -> Quadratic:
        return self._quadratic(problem, unknowns.latent)

    def _quadratic(self, problem: Problem, other: Matrix) -> Quadratic:
        size = other.shape[1]
        return Quadratic(self.weight / size * other.T @ other, self.weight * _similar(problem.labels, other))


def _similar(labels: Matrix, z: Matrix) -> Matrix:
    """S Z. Shapes: (n, c), (n, k) -> (n, k)."""
    product: Matrix = 2 * labels @ (labels.T @ z) - z.sum(axis=0)
    return product
