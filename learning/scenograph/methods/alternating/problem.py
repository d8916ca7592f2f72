"""What terms share: the fixed data, the unknowns, and the quadratic form that a term is in one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import solve

from scenograph.methods.kernel import Matrix

Side = str  # "image" or "text"
EMPTY: Matrix = np.empty((0, 0))  # a parameter not fitted yet


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """The data. `views` are features or kernel values, centred; rows of `labels` have unit length.

    Shapes: views (n, p) a side, labels (n, c).
    """

    views: dict[Side, Matrix]
    labels: Matrix
    seed: int


@dataclass(slots=True, eq=False)
class Unknowns:
    """Shapes: latent V (n, k) real; codes B (n, k) of -1 and 1."""

    latent: Matrix
    codes: Matrix


@dataclass(frozen=True, slots=True, eq=False)
class Quadratic:
    """tr(Z Q Z') - 2 tr(Z'C) + tr(Z' A Z), as a function of an unknown Z (n, k).

    Shapes: curvature Q (k, k), pull C (n, k); coupling A maps (n, k) -> (n, k), symmetric and positive
    semi-definite (a graph's Laplacian), where the term ties rows to each other.
    """

    curvature: Matrix
    pull: Matrix
    coupling: Callable[[Matrix], Matrix] | None = None


class Term(Protocol):
    """One term of the objective. It holds its own parameters (factors, projections) and fits them exactly."""

    def fit(self, problem: Problem, unknowns: Unknowns) -> None:
        """Minimise the term over its own parameters."""
        ...

    def value(self, problem: Problem, unknowns: Unknowns) -> float: ...

    def of_latent(self, problem: Problem, unknowns: Unknowns) -> Quadratic | None:
        """The term in V, up to a constant; None where V is not in it."""
        ...

    def of_codes(self, problem: Problem, unknowns: Unknowns) -> Quadratic | None:
        """The term in B, up to a constant; None where B is not in it."""
        ...


def ridge_map(inputs: Matrix, outputs: Matrix, ridge: float) -> Matrix:
    """argmin_W |outputs - inputs W|^2 + ridge |W|^2. Shapes: (n, p), (n, q) -> (p, q)."""
    gram: Matrix = inputs.T @ inputs
    gram[np.diag_indices_from(gram)] += max(ridge, 1e-12 * max(float(np.trace(gram)), 1e-300))
    weights: Matrix = solve(gram, inputs.T @ outputs, assume_a="pos")
    return weights


def squared(matrix: Matrix) -> float:
    """The squared Frobenius norm."""
    return float(np.vdot(matrix, matrix))
