"""Terms that tie the latent factors, or the codes, to the labels."""

from __future__ import annotations

from typing import Literal

import numpy as np

from scenograph.components import terms
from scenograph.methods.alternating.problem import EMPTY, Problem, Quadratic, Unknowns, ridge_map, squared
from scenograph.methods.kernel import Matrix


@terms("label_source.v1")
class LabelSource:
    """weight |Z - L G|^2 + ridge |G|^2, Z the factors V or the codes B: items of a class share a place.

    Source: Wang et al., TPAMI 2019 (LCMFH) in its soft form; Liu et al., FS-CMFH.
    """

    def __init__(
        self, weight: float = 1.0, ridge: float = 0.0, on: Literal["latent", "codes"] = "latent"
    ) -> None:
        self.weight = weight
        self.ridge = ridge
        self.on = on
        self.places = EMPTY

    def _target(self, unknowns: Unknowns) -> Matrix:
        return unknowns.latent if self.on == "latent" else unknowns.codes

    def fit(self, problem: Problem, unknowns: Unknowns) -> None:
        self.places = ridge_map(problem.labels, self._target(unknowns), self.ridge / self.weight)

    def value(self, problem: Problem, unknowns: Unknowns) -> float:
        residual = self._target(unknowns) - problem.labels @ self.places
        return self.weight * squared(residual) + self.ridge * squared(self.places)

    def _quadratic(self, problem: Problem) -> Quadratic:
        size = self.places.shape[1]
        return Quadratic(self.weight * np.eye(size), self.weight * problem.labels @ self.places)

    def of_latent(self, problem: Problem, unknowns: Unknowns) -> Quadratic | None:
        return self._quadratic(problem) if self.on == "latent" else None

    def of_codes(self, problem: Problem, unknowns: Unknowns) -> Quadratic | None:
        return self._quadratic(problem) if self.on == "codes" else None


@terms("label_target.v1")
class LabelTarget:
    """weight |L - Z W|^2 + ridge |W|^2, Z the latent factors V or the codes B: a linear classifier of Z.

    Source: Li et al., ACM MM 2018 (SCRATCH), on V; Shen et al., CVPR 2015 (SDH), on B.
    """

    def __init__(
        self, weight: float = 1.0, ridge: float = 0.0, on: Literal["latent", "codes"] = "latent"
    ) -> None:
        self.weight = weight
        self.ridge = ridge
        self.on = on
        self.classifier = EMPTY

    def _source(self, unknowns: Unknowns) -> Matrix:
        return unknowns.latent if self.on == "latent" else unknowns.codes

    def fit(self, problem: Problem, unknowns: Unknowns) -> None:
        self.classifier = ridge_map(self._source(unknowns), problem.labels, self.ridge / self.weight)

    def value(self, problem: Problem, unknowns: Unknowns) -> float:
        residual = problem.labels - self._source(unknowns) @ self.classifier
        return self.weight * squared(residual) + self.ridge * squared(self.classifier)

    def _quadratic(self, problem: Problem) -> Quadratic:
        w = self.classifier
        return Quadratic(self.weight * w @ w.T, self.weight * problem.labels @ w.T)

    def of_latent(self, problem: Problem, unknowns: Unknowns) -> Quadratic | None:
        return self._quadratic(problem) if self.on == "latent" else None

    def of_codes(self, problem: Problem, unknowns: Unknowns) -> Quadratic | None:
        return self._quadratic(problem) if self.on == "codes" else None
