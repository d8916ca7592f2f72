"""Terms of the latent factors alone: smoothness over a graph of items, and their size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.sparse import diags_array
from sklearn.neighbors import kneighbors_graph

from scenograph.components import terms
from scenograph.methods.alternating.problem import Problem, Quadratic, Unknowns, squared
from scenograph.methods.kernel import Matrix

Smoother = Callable[[Matrix], Matrix]


@terms("ridge.v1")
class Ridge:
    """weight |V|^2."""

    def __init__(self, weight: float = 0.01) -> None:
        self.weight = weight

    def fit(self, problem: Problem, unknowns: Unknowns) -> None:
        """It has no parameters of its own."""

    def value(self, problem: Problem, unknowns: Unknowns) -> float:
        return self.weight * squared(unknowns.latent)

    def of_latent(self, problem: Problem, unknowns: Unknowns) -> Quadratic:
        n, size = unknowns.latent.shape
        return Quadratic(self.weight * np.eye(size), np.zeros((n, size)))

    def of_codes(self, problem: Problem, unknowns: Unknowns) -> None:
        return None


@terms("laplacian.v1")
class Laplacian:
    """weight tr(V' A V), A the normalised Laplacian of a graph of items: neighbours have near factors.

    The graph: items weighed by the inner product of their labels, or the nearest neighbours of a modality.
    Source: Tang et al., TIP 2016 (SMFH); Cai et al., TPAMI 2011 (GNMF).
    """

    def __init__(
        self, graph: Literal["labels", "image", "text"] = "labels", weight: float = 1.0, neighbours: int = 10
    ) -> None:
        self.graph = graph
        self.weight = weight
        self.neighbours = neighbours
        self._affinity: Smoother | None = None

    def fit(self, problem: Problem, unknowns: Unknowns) -> None:
        """The graph is fixed: it is made once."""
        if self._affinity is None:
            self._affinity = _labels(problem) if self.graph == "labels" else self._neighbours(problem)

    def value(self, problem: Problem, unknowns: Unknowns) -> float:
        return self.weight * float(np.vdot(unknowns.latent, self._apply(unknowns.latent)))

    def of_latent(self, problem: Problem, unknowns: Unknowns) -> Quadratic:
        n, size = unknowns.latent.shape
        return Quadratic(np.zeros((size, size)), np.zeros((n, size)), lambda v: self.weight * self._apply(v))

    def of_codes(self, problem: Problem, unknowns: Unknowns) -> None:
        return None

    def _apply(self, v: Matrix) -> Matrix:
        assert self._affinity is not None, "fit comes first"
        return v - self._affinity(v)

    def _neighbours(self, problem: Problem) -> Smoother:
        view = problem.views[self.graph]
        graph = kneighbors_graph(view, min(self.neighbours, len(view) - 1))
        graph = graph.maximum(graph.T)
        root = diags_array(1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel()))
        affinity = root @ graph @ root

        def smooth(v: Matrix) -> Matrix:
            smoothed: Matrix = affinity @ v
            return smoothed

        return smooth


def _labels(problem: Problem) -> Smoother:
    """D^-1/2 L L' D^-1/2 as a map, with no n x n matrix."""
    labels = problem.labels
    degree = labels @ labels.sum(axis=0)
    rows = labels / np.sqrt(np.maximum(degree, 1e-12))[:, None]

    def smooth(v: Matrix) -> Matrix:
        smoothed: Matrix = rows @ (rows.T @ v)
        return smoothed

    return smooth
