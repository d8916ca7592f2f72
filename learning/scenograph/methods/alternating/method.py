"""A shallow hashing method from its recipe: prepare the views, minimise, give codes and hash functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from scenograph.components import solvers
from scenograph.components import terms as known
from scenograph.components.check import checked
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.alternating.problem import Problem, Side, Term, ridge_map
from scenograph.methods.alternating.solver import minimise
from scenograph.methods.alternating.terms.codes import Rotate
from scenograph.methods.alternating.terms.features import Autoencode, Project
from scenograph.methods.contracts import Progress, Trained
from scenograph.methods.kernel import KernelMap, Matrix, fit_kernel_map
from scenograph.methods.projector import LinearProjector, linear_map
from scenograph.scene.errors import InvalidInput


@solvers("alternating.v1")
def alternating(
    train: FeatureSplit,
    *,
    bits: int,
    seed: int,
    progress: Progress | None = None,
    terms: list[dict[str, str | bool | int | float]],
    latent: Literal["free", "labels", "balanced"] = "free",
    start: Literal["random", "features"] = "random",
    codes: Literal["mean", "zero", "discrete"] = "mean",
    hash_functions: Literal["learned", "ridge"] = "learned",
    hash_target: Literal["latent", "codes"] = "latent",
    hash_ridge: float = 1e-2,
    landmarks: int = 0,
    width: float = 1.0,
    iterations: int = 50,
    tolerance: float = 1e-6,
) -> Trained:
    """A sum of quadratic terms in latent factors V and codes B, minimised block by block.

    `codes`: B where the terms have it ("discrete"), else where V exceeds its mean or zero. `hash_functions`:
    the ones that project.v1 or autoencode.v1 learned along, or ridge regression afterwards to `hash_target`.
    `landmarks` > 0 puts RBF similarities to so many training items in the features' place. `latent`, `start`:
    as `minimise` says. All views are centred.
    Errors: InvalidInput (an unknown term, or parameter of one; terms that cannot give what is asked).
    """
    built = build_terms(terms)
    prepared = _prepare(train, landmarks, width, seed)
    problem = prepared.problem
    unknowns, _ = minimise(
        problem,
        built,
        bits=bits,
        latent=latent,
        start=start,
        iterations=iterations,
        tolerance=tolerance,
        progress=progress,
    )
    if codes == "discrete":
        if not any(term.of_codes(problem, unknowns) for term in built):
            raise InvalidInput('codes = "discrete" needs a term of the codes', field="codes")
        learned = unknowns.codes > 0
    else:
        learned = unknowns.latent > (unknowns.latent.mean(axis=0) if codes == "mean" else 0.0)
    if hash_functions == "learned":
        turn = _rotation(built) if codes == "discrete" else np.eye(bits)
        weights = {side: _projection(built, side) @ turn for side in problem.views}
    else:
        target = unknowns.latent if hash_target == "latent" else np.where(learned, 1.0, -1.0)
        weights = {side: ridge_map(view, target, hash_ridge) for side, view in problem.views.items()}
    return Trained(prepared.projector(weights), learned, learned)


@solvers("alternating_real.v1")
def alternating_real(
    train: FeatureSplit,
    *,
    dimension: int,
    seed: int,
    progress: Progress | None = None,
    terms: list[dict[str, str | bool | int | float]],
    landmarks: int = 0,
    width: float = 1.0,
    iterations: int = 50,
    tolerance: float = 1e-6,
) -> Trained:
    """The same for a real-valued method: its common space is what project.v1 or autoencode.v1 learned.

    Errors: InvalidInput (an unknown term, or parameter of one; a modality without a projection).
    """
    built = build_terms(terms)
    prepared = _prepare(train, landmarks, width, seed)
    minimise(
        prepared.problem, built, bits=dimension, iterations=iterations, tolerance=tolerance, progress=progress
    )
    return Trained(prepared.projector({side: _projection(built, side) for side in prepared.problem.views}))


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """The problem, and the way back from weights on its views to a projector of raw features."""

    problem: Problem
    means: dict[Side, Matrix]
    kernels: dict[Side, KernelMap | None]

    def projector(self, weights: dict[Side, Matrix]) -> LinearProjector:
        image, text = (
            linear_map(self.means[side], weights[side], kernel=self.kernels[side])
            for side in ("image", "text")
        )
        return LinearProjector(image, text)


def _prepare(train: FeatureSplit, landmarks: int, width: float, seed: int) -> _Prepared:
    kernels = _kernels(train, landmarks, width, seed)
    raw = {"image": train.image.astype(np.float64), "text": train.text.astype(np.float64)}
    mapped = {side: x if (kernel := kernels[side]) is None else kernel(x) for side, x in raw.items()}
    means = {side: values.mean(axis=0) for side, values in mapped.items()}
    views = {side: values - means[side] for side, values in mapped.items()}
    norms = np.linalg.norm(train.labels, axis=1, keepdims=True)
    return _Prepared(Problem(views, train.labels / np.maximum(norms, 1e-12), seed), means, kernels)


def build_terms(tables: list[dict[str, str | bool | int | float]]) -> list[Term]:
    """The terms of a recipe's list of tables. Errors: InvalidInput, naming the place in the list."""
    built: list[Term] = []
    for place, table in enumerate(tables, start=1):
        parameters = dict(table)
        name = parameters.pop("name", None)
        where = f"[solver] terms: {place}"
        if not isinstance(name, str):
            raise InvalidInput(
                f'{where}: needs the name of a term, such as name = "project.v1"', field="terms"
            )
        built.append(known.build(name, parameters=checked(known, name, parameters, where=where)))
    return built


def _kernels(train: FeatureSplit, landmarks: int, width: float, seed: int) -> dict[Side, KernelMap | None]:
    if not landmarks:
        return {"image": None, "text": None}
    return {
        side: fit_kernel_map(
            features.astype(np.float64), kind="rbf", landmarks=landmarks, seed=seed + place, width=width
        )
        for place, (side, features) in enumerate((("image", train.image), ("text", train.text)))
    }


def _rotation(built: list[Term]) -> Matrix:
    for term in built:
        if isinstance(term, Rotate):
            return term.rotation
    raise InvalidInput(
        'codes = "discrete" with hash_functions = "learned" needs rotate.v1; or use "ridge"',
        field="hash_functions",
    )


def _projection(built: list[Term], side: Side) -> Matrix:
    for term in built:
        if isinstance(term, Project | Autoencode) and term.modality == side:
            return term.projection
    raise InvalidInput(
        f'hash_functions = "learned" needs project.v1 or autoencode.v1 of the {side}; or use "ridge"',
        field="hash_functions",
    )
