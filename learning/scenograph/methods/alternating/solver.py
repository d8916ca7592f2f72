"""The solver: each term fits its parameters, then V, then B; every step is exact, so the sum never rises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from scipy.linalg import svd
from scipy.sparse.linalg import LinearOperator, cg

from scenograph.methods.alternating.problem import Problem, Quadratic, Term, Unknowns
from scenograph.methods.contracts import Progress
from scenograph.methods.kernel import Matrix
from scenograph.scene.errors import InvalidInput

LatentSpace = Literal["free", "labels", "balanced"]
SWEEPS = 3


def minimise(
    problem: Problem,
    terms: Sequence[Term],
    *,
    bits: int,
    latent: LatentSpace = "free",
    start: Literal["random", "features"] = "random",
    iterations: int = 50,
    tolerance: float = 1e-6,
    progress: Progress | None = None,
) -> tuple[Unknowns, list[float]]:
    """V and B that the terms agree on, and the objective after each iteration.

    `latent = "labels"` keeps V in the span of the labels, V = L H: items of the same labels share a row.
    `latent = "balanced"` keeps V'V = n I and columns of mean 0: bits that are halved and uncorrelated.
    `start`: V begins as noise, or as random projections of both views, from which discrete codes get further.
    The iteration ends early where the objective falls by less than `tolerance` of itself.
    Errors: InvalidInput (terms that leave V undetermined; a graph's term where V is not free).
    """
    unknowns = Unknowns(_start(problem, bits, start), np.empty(0))
    if latent == "labels":
        unknowns.latent = _in_span(problem.labels, unknowns.latent)
    elif latent == "balanced":
        unknowns.latent = _balanced(unknowns.latent, problem.seed)
    unknowns.codes = _signs(unknowns.latent)
    trace: list[float] = []
    for iteration in range(iterations):
        for term in terms:
            term.fit(problem, unknowns)
        _latent_step(problem, terms, unknowns, latent)
        _codes_step(problem, terms, unknowns)
        trace.append(sum(term.value(problem, unknowns) for term in terms))
        if progress:
            progress("alternating", iteration + 1, iterations)
        if len(trace) > 1 and trace[-2] - trace[-1] <= tolerance * abs(trace[-2]):
            break
    for term in terms:
        term.fit(problem, unknowns)
    return unknowns, trace


def _start(problem: Problem, bits: int, start: str) -> Matrix:
    rng = np.random.default_rng(problem.seed)
    if start == "random":
        return rng.standard_normal((len(problem.labels), bits))
    latent = np.zeros((len(problem.labels), bits))
    for _, view in sorted(problem.views.items()):
        projected = (view / np.linalg.norm(view, axis=0).clip(1e-12)) @ rng.standard_normal(
            (view.shape[1], bits)
        )
        latent += projected / projected.std().clip(1e-12)
    return latent


def _latent_step(problem: Problem, terms: Sequence[Term], unknowns: Unknowns, latent: str) -> None:
    parts = [part for term in terms if (part := term.of_latent(problem, unknowns)) is not None]
    if not parts:
        raise InvalidInput("no term has the latent factors in it", field="terms")
    curvature: Matrix = np.sum([part.curvature for part in parts], axis=0)
    pull: Matrix = np.sum([part.pull for part in parts], axis=0)
    couplings = [part.coupling for part in parts if part.coupling]
    if couplings and latent != "free":
        raise InvalidInput(f'a graph\'s term cannot be met with latent = "{latent}"', field="terms")
    if latent == "balanced":  # V'V is fixed, so that the curvature is a constant
        unknowns.latent = _balanced(pull, problem.seed)
        return
    values, vectors = np.linalg.eigh(curvature)
    if values[-1] <= 0:
        raise InvalidInput("the terms leave the latent factors undetermined: add ridge.v1", field="terms")
    values = np.maximum(values, 1e-12 * values[-1])
    if not couplings:
        solved: Matrix = (pull @ vectors / values) @ vectors.T
        unknowns.latent = _in_span(problem.labels, solved) if latent == "labels" else solved
        return
    # In the eigenvectors of the curvature the columns part: (A + q_j) v_j = c_j, each by conjugate gradients
    # from where V stands, which only descend.
    turned, start = pull @ vectors, unknowns.latent @ vectors
    columns = [
        _conjugate_gradients(couplings, value, column, first)
        for value, column, first in zip(values, turned.T, start.T, strict=True)
    ]
    unknowns.latent = np.stack(columns, axis=1) @ vectors.T


def _conjugate_gradients(
    couplings: Sequence[Callable[[Matrix], Matrix]], value: float, pull: Matrix, start: Matrix
) -> Matrix:
    def product(column: Matrix) -> Matrix:
        v = column.reshape(-1, 1)
        total: Matrix = value * v
        for coupling in couplings:
            total = total + coupling(v)
        return total.ravel()

    operator = LinearOperator((len(pull), len(pull)), matvec=product, dtype=np.float64)
    solved, _ = cg(operator, pull, x0=start, rtol=1e-8, maxiter=200)
    column: Matrix = solved
    return column


def _codes_step(problem: Problem, terms: Sequence[Term], unknowns: Unknowns) -> None:
    """Discrete cyclic coordinate descent: bit after bit, exactly, given the others (Shen et al. 2015)."""
    parts: list[Quadratic] = [
        part for term in terms if (part := term.of_codes(problem, unknowns)) is not None
    ]
    if not parts:
        return
    curvature = np.sum([part.curvature for part in parts], axis=0)
    pull = np.sum([part.pull for part in parts], axis=0)
    others = curvature - np.diag(np.diag(curvature))
    codes = unknowns.codes.copy()
    for _ in range(SWEEPS if others.any() else 1):
        before = codes.copy()
        for bit in range(codes.shape[1]):
            wanted = pull[:, bit] - codes @ others[:, bit]
            codes[:, bit] = np.where(wanted == 0, codes[:, bit], _signs(wanted))
        if (codes == before).all():
            break
    unknowns.codes = codes


def _in_span(labels: Matrix, matrix: Matrix) -> Matrix:
    """The nearest matrix of the form L H."""
    nearest: Matrix = labels @ np.linalg.lstsq(labels, matrix, rcond=None)[0]
    return nearest


def _balanced(pull: Matrix, seed: int) -> Matrix:
    """argmax tr(V'pull) with V'V = n I and V'1 = 0; a speck of noise settles what `pull` leaves open."""
    noise = np.random.default_rng(seed).standard_normal(pull.shape)
    whole = pull + 1e-9 * max(float(np.abs(pull).max()), 1e-300) * noise
    u, _, vt = svd(whole - whole.mean(axis=0), full_matrices=False)
    matrix: Matrix = np.sqrt(len(pull)) * u @ vt
    return matrix


def _signs(matrix: Matrix) -> Matrix:
    return np.where(matrix > 0, 1.0, -1.0)
