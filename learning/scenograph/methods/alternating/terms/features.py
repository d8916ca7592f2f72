"""Terms that tie the latent factors to the features."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.linalg import solve_sylvester

from scenograph.components import terms
from scenograph.methods.alternating.problem import EMPTY, Problem, Quadratic, Unknowns, ridge_map, squared
from scenograph.methods.kernel import Matrix


@terms("reconstruct.v1")
class Reconstruct:
    """weight |X - V U|^2 + ridge |U|^2: matrix factorisation of one modality.

    Source: Ding et al., CVPR 2014.
    """

    def __init__(self, modality: Literal["image", "text"], weight: float = 1.0, ridge: float = 0.0) -> None:
        self.modality = modality
        self.weight = weight
        self.ridge = ridge
        self.factors = EMPTY

    def fit(self, problem: Problem, unknowns: Unknowns) -> None:
        self.factors = ridge_map(unknowns.latent, problem.views[self.modality], self.ridge / self.weight)

    def value(self, problem: Problem, unknowns: Unknowns) -> float:
        residual = problem.views[self.modality] - unknowns.latent @ self.factors
        return self.weight * squared(residual) + self.ridge * squared(self.factors)

    def of_latent(self, problem: Problem, unknowns: Unknowns) -> Quadratic:
        x = problem.views[self.modality]
        return Quadratic(self.weight * self.factors @ self.factors.T, self.weight * x @ self.factors.T)

    def of_codes(self, problem: Problem, unknowns: Unknowns) -> None:
        return None


@terms("project.v1")
class Project:
    """weight |V - X P|^2 + ridge |P|^2: the linear function that will hash new items of one modality.

    Source: Ding et al., CVPR 2014.
    """

    def __init__(self, modality: Literal["image", "text"], weight: float = 1.0, ridge: float = 0.0) -> None:
        self.modality = modality
        self.weight = weight
        self.ridge = ridge
        self.projection = EMPTY

    def fit(self, problem: Problem, unknowns: Unknowns) -> None:
        x = problem.views[self.modality]
        self.projection = ridge_map(x, unknowns.latent, self.ridge / self.weight)

    def value(self, problem: Problem, unknowns: Unknowns) -> float:
        residual = unknowns.latent - problem.views[self.modality] @ self.projection
        return self.weight * squared(residual) + self.ridge * squared(self.projection)

    def of_latent(self, problem: Problem, unknowns: Unknowns) -> Quadratic:
        x = problem.views[self.modality]
        size = unknowns.latent.shape[1]
        return Quadratic(self.weight * np.eye(size), self.weight * x @ self.projection)

    def of_codes(self, problem: Problem, unknowns: Unknowns) -> None:
        return None


@terms("autoencode.v1")
class Autoencode:
    """weight (|X - V W|^2 + encoder |V - X W'|^2): a linear autoencoder with tied weights.

    Source: Kodirov et al., CVPR 2017 (SAE), solved by Sylvester's equation.
    """

    def __init__(self, modality: Literal["image", "text"], weight: float = 1.0, encoder: float = 1.0) -> None:
        self.modality = modality
        self.weight = weight
        self.encoder = encoder
        self.decoder = EMPTY

    @property
    def projection(self) -> Matrix:
        transposed: Matrix = self.decoder.T
        return transposed

    def fit(self, problem: Problem, unknowns: Unknowns) -> None:
        x, v = problem.views[self.modality], unknowns.latent
        # V'V W + encoder W X'X = (1 + encoder) V'X; a speck of ridge keeps the two spectra apart.
        left = v.T @ v
        left[np.diag_indices_from(left)] += 1e-12 * np.trace(left)
        self.decoder = solve_sylvester(left, self.encoder * x.T @ x, (1 + self.encoder) * v.T @ x)

    def value(self, problem: Problem, unknowns: Unknowns) -> float:
        x, v = problem.views[self.modality], unknowns.latent
        decoded, encoded = squared(x - v @ self.decoder), squared(v - x @ self.decoder.T)
        return self.weight * (decoded + self.encoder * encoded)

    def of_latent(self, problem: Problem, unknowns: Unknowns) -> Quadratic:
        x, w = problem.views[self.modality], self.decoder
        curvature = w @ w.T + self.encoder * np.eye(len(w))
        return Quadratic(self.weight * curvature, self.weight * (1 + self.encoder) * x @ w.T)

    def of_codes(self, problem: Problem, unknowns: Unknowns) -> None:
        return None
