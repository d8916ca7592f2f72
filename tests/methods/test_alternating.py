"""The alternating solver and its terms, each against the slow and obvious way."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from tests.methods.pairs import pairs

from scenograph.components import terms
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.alternating.method import alternating, alternating_real, build_terms
from scenograph.methods.alternating.problem import Problem, Quadratic, Unknowns, ridge_map
from scenograph.methods.alternating.solver import LatentSpace, minimise
from scenograph.methods.catalogue import list_methods
from scenograph.scene.errors import InvalidInput

TERMS: list[dict[str, Any]] = [
    {"name": "reconstruct.v1", "modality": "image", "weight": 0.5, "ridge": 0.1},
    {"name": "project.v1", "modality": "text", "weight": 2.0, "ridge": 0.1},
    {"name": "autoencode.v1", "modality": "image", "weight": 0.5, "encoder": 3.0},
    {"name": "label_source.v1", "weight": 2.0, "ridge": 0.1},
    {"name": "label_source.v1", "weight": 2.0, "ridge": 0.1, "on": "codes"},
    {"name": "label_target.v1", "weight": 2.0, "ridge": 0.1},
    {"name": "label_target.v1", "weight": 2.0, "ridge": 0.1, "on": "codes"},
    {"name": "rotate.v1", "weight": 0.5},
    {"name": "rotate.v1", "weight": 0.5, "rotated": False},
    {"name": "similarity.v1", "weight": 0.5},
    {"name": "ridge.v1", "weight": 0.5},
    {"name": "laplacian.v1", "weight": 0.5, "graph": "labels"},
    {"name": "laplacian.v1", "weight": 0.5, "graph": "text", "neighbours": 4},
]
OWN = ("factors", "projection", "decoder", "places", "classifier")
RECIPES = [
    recipe for recipe in list_methods() if recipe.solver and recipe.solver.name.startswith("alternating")
]


def told(table: dict[str, Any]) -> str:
    return " ".join(str(value) for value in table.values())


def problem_of(split: FeatureSplit) -> Problem:
    views = {"image": split.image.astype(np.float64), "text": split.text.astype(np.float64)}
    centred = {side: view - view.mean(axis=0) for side, view in views.items()}
    norms = np.linalg.norm(split.labels, axis=1, keepdims=True)
    return Problem(centred, split.labels / norms, seed=0)


def unknowns_of(n: int, bits: int = 4, seed: int = 0) -> Unknowns:
    rng = np.random.default_rng(seed)
    return Unknowns(rng.standard_normal((n, bits)), np.where(rng.random((n, bits)) < 0.5, 1.0, -1.0))


def quadratic_value(part: Quadratic, z: np.ndarray) -> float:
    value = np.trace(z @ part.curvature @ z.T) - 2 * np.trace(z.T @ part.pull)
    return float(value + (np.trace(z.T @ part.coupling(z)) if part.coupling else 0.0))


@pytest.mark.parametrize("table", TERMS, ids=told)
def test_a_terms_quadratic_is_the_term_up_to_a_constant(table: dict[str, Any]) -> None:
    problem = problem_of(pairs(30, multi=True))
    [term] = build_terms([table])
    here, there = unknowns_of(30, seed=1), unknowns_of(30, seed=2)
    term.fit(problem, here)
    moved = {
        "of_latent": Unknowns(there.latent, here.codes),
        "of_codes": Unknowns(here.latent, there.codes),
    }
    for which, other in moved.items():
        part = getattr(term, which)(problem, here)
        expected = 0.0
        if part is not None:
            ends = (other.latent, here.latent) if which == "of_latent" else (other.codes, here.codes)
            expected = quadratic_value(part, ends[0]) - quadratic_value(part, ends[1])
        assert term.value(problem, other) - term.value(problem, here) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("table", TERMS, ids=told)
def test_a_term_fits_its_own_parameters_exactly(table: dict[str, Any]) -> None:
    problem = problem_of(pairs(30, multi=True))
    [term] = build_terms([table])
    unknowns = unknowns_of(30)
    term.fit(problem, unknowns)
    best = term.value(problem, unknowns)
    rng = np.random.default_rng(3)
    for name in OWN:
        fitted = vars(term).get(name)
        if fitted is None:
            continue
        for _ in range(20):
            setattr(term, name, fitted + 1e-3 * rng.standard_normal(fitted.shape))
            assert term.value(problem, unknowns) > best
        setattr(term, name, fitted)


def test_the_best_rotation_is_orthogonal_and_beats_others() -> None:
    problem, unknowns = problem_of(pairs(30)), unknowns_of(30)
    [term] = build_terms([{"name": "rotate.v1"}])
    term.fit(problem, unknowns)
    rotation = term.rotation  # type: ignore[attr-defined]
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(4), atol=1e-12)
    best = term.value(problem, unknowns)
    for seed in range(20):
        q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((4, 4)))
        assert ((unknowns.codes - unknowns.latent @ q) ** 2).sum() >= best


def test_similarity_is_of_all_pairs_of_items() -> None:
    problem, unknowns = problem_of(pairs(20, multi=True)), unknowns_of(20)
    s = 2 * problem.labels @ problem.labels.T - 1
    expected = 0.5 / 4 * ((4 * s - unknowns.codes @ unknowns.latent.T) ** 2).sum()
    [term] = build_terms([{"name": "similarity.v1", "weight": 0.5}])
    assert term.value(problem, unknowns) == pytest.approx(expected)


def test_the_laplacian_is_that_of_the_label_graph() -> None:
    problem, unknowns = problem_of(pairs(20, multi=True)), unknowns_of(20)
    affinity = problem.labels @ problem.labels.T
    degree = affinity.sum(axis=1)
    v = unknowns.latent / np.sqrt(degree)[:, None]
    expected = 0.5 * sum(affinity[i, j] * ((v[i] - v[j]) ** 2).sum() for i in range(20) for j in range(20))
    [term] = build_terms([{"name": "laplacian.v1"}])
    term.fit(problem, unknowns)
    assert term.value(problem, unknowns) == pytest.approx(expected)


def test_ridge_map_is_least_squares() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 4)), rng.standard_normal((20, 3))
    np.testing.assert_allclose(ridge_map(x, y, 0.0), np.linalg.lstsq(x, y, rcond=None)[0], atol=1e-8)
    stacked = np.vstack([x, np.sqrt(0.7) * np.eye(4)]), np.vstack([y, np.zeros((4, 3))])
    np.testing.assert_allclose(ridge_map(x, y, 0.7), np.linalg.lstsq(*stacked, rcond=None)[0], atol=1e-10)


@pytest.mark.parametrize("latent", ["free", "labels", "balanced"])
def test_the_objective_never_rises(latent: LatentSpace) -> None:
    tables = [table for table in TERMS if latent == "free" or table["name"] != "laplacian.v1"]
    problem = problem_of(pairs(40, multi=True))
    _, trace = minimise(problem, build_terms(tables), bits=4, latent=latent, iterations=25, tolerance=-1.0)
    assert len(trace) == 25
    assert trace[-1] < trace[0]
    assert all(after <= before * (1 + 1e-9) for before, after in pairwise(trace))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.key)
def test_no_recipes_objective_rises(recipe: Any) -> None:
    given = recipe.solver.parameters
    problem = problem_of(pairs(60))
    how = {key: given[key] for key in ("latent", "start") if key in given}
    _, trace = minimise(problem, build_terms(given["terms"]), bits=8, iterations=12, tolerance=-1.0, **how)
    assert all(after <= before * (1 + 1e-9) for before, after in pairwise(trace))


def test_a_coupled_step_is_the_solution_of_the_dense_system() -> None:
    problem = problem_of(pairs(25))
    built = build_terms(
        [{"name": "laplacian.v1", "graph": "image", "weight": 3.0, "neighbours": 3}, TERMS[0], TERMS[1]]
    )
    unknowns, _ = minimise(problem, built, bits=2, iterations=1, tolerance=-1.0)
    # One iteration again by hand, from the same start.
    start = np.random.default_rng(0).standard_normal((25, 2))
    again = build_terms(
        [{"name": "laplacian.v1", "graph": "image", "weight": 3.0, "neighbours": 3}, TERMS[0], TERMS[1]]
    )
    first = Unknowns(start, np.where(start > 0, 1.0, -1.0))
    for term in again:
        term.fit(problem, first)
    parts = [part for term in again if (part := term.of_latent(problem, first))]
    curvature = sum(part.curvature for part in parts)
    pull = sum(part.pull for part in parts)
    coupling = next(part.coupling for part in parts if part.coupling)
    matrix = np.kron(coupling(np.eye(25)), np.eye(2)) + np.kron(np.eye(25), curvature)
    expected = np.linalg.solve(matrix, np.asarray(pull).ravel()).reshape(25, 2)
    np.testing.assert_allclose(unknowns.latent, expected, atol=1e-5)


def test_codes_are_as_good_as_any_single_flip() -> None:
    problem = problem_of(pairs(6))
    built = build_terms([{"name": "similarity.v1"}, {"name": "rotate.v1", "weight": 0.1, "rotated": False}])
    built += build_terms([{"name": "ridge.v1", "weight": 0.1}])
    unknowns, _ = minimise(problem, built, bits=2, iterations=50, tolerance=-1.0)
    best = sum(term.value(problem, unknowns) for term in built)
    for row, bit in product(range(6), range(2)):
        codes = unknowns.codes.copy()
        codes[row, bit] *= -1
        flipped = Unknowns(unknowns.latent, codes)
        assert sum(term.value(problem, flipped) for term in built) >= best - 1e-9


def test_balanced_factors_are_balanced() -> None:
    problem = problem_of(pairs(40))
    built = build_terms([{"name": "reconstruct.v1", "modality": "image"}])
    unknowns, _ = minimise(problem, built, bits=9, latent="balanced", iterations=3)
    np.testing.assert_allclose(unknowns.latent.T @ unknowns.latent, 40 * np.eye(9), atol=1e-6)
    np.testing.assert_allclose(unknowns.latent.sum(axis=0), 0.0, atol=1e-6)


def test_factors_in_the_labels_span_are_shared_within_a_class() -> None:
    split = pairs(40)
    built = build_terms(TERMS[:2])
    unknowns, _ = minimise(problem_of(split), built, bits=4, latent="labels", iterations=3)
    for column in split.labels.T:
        rows = unknowns.latent[column]
        np.testing.assert_allclose(rows, np.tile(rows[0], (len(rows), 1)), atol=1e-10)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.key)
def test_training_is_seeded(recipe: Any) -> None:
    split = pairs(60)
    solve = alternating if recipe.solver.name == "alternating.v1" else alternating_real
    size = "bits" if solve is alternating else "dimension"
    given = recipe.solver.parameters | {"iterations": 3, size: 4}
    first, again, other = (solve(split, seed=seed, **given) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.projector.image(split.image), again.projector.image(split.image))
    assert not np.array_equal(first.projector.image(split.image), other.projector.image(split.image))
    if solve is alternating:
        assert first.image_codes is not None and first.image_codes.shape == (60, 4)
        np.testing.assert_array_equal(first.image_codes, again.image_codes)


def test_learned_hash_functions_give_the_learned_codes_where_the_data_allow() -> None:
    """Noiseless pairs of one hidden vector: what is hashed is what was learned."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((80, 3))
    x, y = hidden @ rng.standard_normal((3, 6)), hidden @ rng.standard_normal((3, 4))
    split = FeatureSplit(
        tuple(map(str, range(80))), x.astype(np.float32), y.astype(np.float32), np.ones((80, 1), dtype=bool)
    )
    tables: list[dict[str, Any]] = [
        {"name": name, "modality": side, "ridge": 1e-6}
        for name in ("reconstruct.v1", "project.v1")
        for side in ("image", "text")
    ]
    trained = alternating(split, bits=3, seed=0, terms=tables, iterations=200)
    assert trained.image_codes is trained.text_codes is not None
    for hashed in (trained.projector.image(split.image), trained.projector.text(split.text)):
        assert ((hashed > 0) == trained.image_codes).mean() > 0.97


def test_progress_is_told() -> None:
    seen: list[tuple[str, int, int]] = []
    alternating(
        pairs(20),
        bits=2,
        seed=0,
        terms=TERMS[:2],
        hash_functions="ridge",
        iterations=4,
        tolerance=-1.0,
        progress=lambda *step: seen.append(step),
    )
    assert seen == [("alternating", step, 4) for step in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"terms": [{"name": "projct.v1"}]}, r"terms: 1: .*did you mean 'project\.v1'"),
        ({"terms": [{"weight": 1.0}]}, "terms: 1: needs the name of a term"),
        ({"terms": [{"name": "ridge.v1", "wieght": 1.0}]}, "no such parameter"),
        ({"terms": [{"name": "project.v1", "modality": "sound"}]}, "sound"),
        ({"terms": [{"name": "label_source.v1", "on": "codes"}]}, "no term has the latent factors"),
        ({"terms": [{"name": "laplacian.v1"}]}, "undetermined: add ridge"),
        ({"terms": TERMS[-2:-1] + TERMS[:1], "latent": "labels"}, "a graph's term"),
        ({"terms": TERMS[:1]}, "needs project.v1 or autoencode.v1 of the image"),
        ({"terms": TERMS[:1], "codes": "discrete"}, "needs a term of the codes"),
        ({"terms": [TERMS[3], TERMS[9]], "codes": "discrete"}, "needs rotate.v1"),
    ],
)
def test_what_cannot_be_solved_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        alternating(pairs(20), bits=2, seed=0, **given)


def test_every_term_is_tested_here() -> None:
    assert {table["name"] for table in TERMS} == set(terms.names())
