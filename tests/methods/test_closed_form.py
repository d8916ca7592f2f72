"""Closed-form solvers against textbook numpy, scikit-learn, or the slow and obvious way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.linalg
from sklearn import cross_decomposition
from sklearn.linear_model import LogisticRegression
from tests.methods.pairs import histograms, pairs

from scenograph.data.contracts import FeatureSplit
from scenograph.methods.closed_form.acq import acq, co_quantise
from scenograph.methods.closed_form.blm import blm
from scenograph.methods.closed_form.cca import cca, cfa, pls
from scenograph.methods.closed_form.cmssh import cmssh
from scenograph.methods.closed_form.cvh import cvh
from scenograph.methods.closed_form.kcca import kcca
from scenograph.methods.closed_form.ml_cca import ml_cca
from scenograph.methods.closed_form.scm_seq import scm_orth, scm_seq, semantic_cross
from scenograph.methods.closed_form.semantic import semantic_correlation_matching, semantic_matching
from scenograph.methods.closed_form.views import lifting_rotation
from scenograph.methods.contracts import Trained
from scenograph.methods.projector import LinearProjector
from scenograph.scene.errors import InvalidInput


def weights(trained: Trained) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(trained.projector, LinearProjector)
    return trained.projector.image_map.weight, trained.projector.text_map.weight


def centred(split: FeatureSplit) -> tuple[np.ndarray, np.ndarray]:
    x, y = split.image.astype(np.float64), split.text.astype(np.float64)
    return x - x.mean(axis=0), y - y.mean(axis=0)


def same_directions(found: np.ndarray, expected: np.ndarray) -> None:
    """Columns equal up to sign and length."""
    found = found / np.linalg.norm(found, axis=0)
    expected = expected / np.linalg.norm(expected, axis=0)
    np.testing.assert_allclose(np.abs((found * expected).sum(axis=0)), 1.0, atol=1e-5)


def correlations(trained: Trained, split: FeatureSplit) -> np.ndarray:
    a, b = trained.projector.image(split.image), trained.projector.text(split.text)
    return np.array([np.corrcoef(a[:, k], b[:, k])[0, 1] for k in range(a.shape[1])])


def test_cca_is_the_textbooks() -> None:
    split = pairs()
    x, y = centred(split)
    cxx, cyy, cxy = x.T @ x, y.T @ y, x.T @ y
    values, vectors = scipy.linalg.eig(np.linalg.solve(cxx, cxy) @ np.linalg.solve(cyy, cxy.T))
    order = np.argsort(-values.real)[:4]
    trained = cca(split, dimension=4)
    same_directions(weights(trained)[0], vectors[:, order].real)
    np.testing.assert_allclose(correlations(trained, split), np.sqrt(values[order].real), atol=1e-4)


def test_cca_is_scikit_learns() -> None:
    split = pairs(seed=1)
    x, y = centred(split)
    reference = cross_decomposition.CCA(3, scale=False, tol=1e-12, max_iter=5000).fit(x, y)
    a, b = reference.transform(x, y)
    expected = [np.corrcoef(a[:, k], b[:, k])[0, 1] for k in range(3)]
    np.testing.assert_allclose(correlations(cca(split, dimension=3), split), expected, atol=1e-4)


def test_cca_does_not_depend_on_the_features_scales() -> None:
    split = pairs()
    np.testing.assert_allclose(
        correlations(cca(split, dimension=3, standardise=True), split),
        correlations(cca(split, dimension=3), split),
        atol=1e-4,
    )


@pytest.mark.parametrize("solver", [cca, pls, cfa, blm, ml_cca])
def test_no_more_dimensions_than_the_smaller_modality_has(solver) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidInput, match="1 to 5 dimensions"):
        solver(pairs(), dimension=6)


def test_cfa_has_orthonormal_weights_of_most_covariance() -> None:
    split = pairs()
    x, y = centred(split)
    wx, wy = weights(cfa(split, dimension=4))
    np.testing.assert_allclose(wx.T @ wx, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(wy.T @ wy, np.eye(4), atol=1e-9)
    u, s, vt = np.linalg.svd(x.T @ y)
    same_directions(wx, u[:, :4])
    same_directions(wy, vt[:4].T)
    assert np.trace(wx.T @ x.T @ y @ wy) == pytest.approx(s[:4].sum())


def test_pls_deflates_by_its_scores() -> None:
    split = pairs()
    x, y = centred(split)
    wx, wy = weights(pls(split, dimension=3))
    for component in range(3):
        u, _, vt = np.linalg.svd(x.T @ y)
        a, b = x @ u[:, 0], y @ vt[0]
        raw_x, raw_y = centred(split)
        same_directions((raw_x @ wx[:, component])[:, None], a[:, None])
        same_directions((raw_y @ wy[:, component])[:, None], b[:, None])
        x = x - np.outer(a, a @ x) / (a @ a)
        y = y - np.outer(b, b @ y) / (b @ b)


def test_kcca_with_all_items_as_landmarks_is_the_dual_problem() -> None:
    split = histograms(40)
    trained = kcca(split, dimension=2, seed=0, landmarks=40, shrinkage=0.2)
    assert isinstance(trained.projector, LinearProjector)
    n, c = 40, 0.2
    centring = np.eye(n) - 1 / n
    grams = []
    for part, raw in ((trained.projector.image_map, split.image), (trained.projector.text_map, split.text)):
        assert part.kernel
        values = part.kernel(raw.astype(np.float64))
        order = [int(np.argmin(np.abs(part.kernel.landmarks - row).sum(axis=1))) for row in raw]
        grams.append(centring @ values[:, order] @ centring)
    kx, ky = grams
    # (1-c) K K / (n-1) + c K is the dual of the shrunk covariance.
    zero = np.zeros((n, n))
    left = np.block([[zero, kx @ ky], [ky @ kx, zero]]) / (n - 1)
    right = scipy.linalg.block_diag(*((1 - c) * k @ k / (n - 1) + c * k + 1e-9 * np.eye(n) for k in grams))
    _, vectors = scipy.linalg.eigh(left, right)
    expected = kx @ vectors[:n, ::-1][:, :2]
    same_directions(trained.projector.image(split.image).astype(np.float64), expected)


def test_ml_cca_sums_over_all_pairs() -> None:
    split = pairs(40, multi=True)
    x, y = (view.astype(np.float64) for view in (split.image, split.text))
    n = len(x)
    f = np.array(
        [[np.exp(-((split.labels[i] ^ split.labels[j]).sum()) / 0.8) for j in range(n)] for i in range(n)]
    )
    total = f.sum()
    x_mean, y_mean = f.sum(axis=1) @ x / total, f.sum(axis=0) @ y / total
    x, y = x - x_mean, y - y_mean
    cxx = sum(f[i, j] * np.outer(x[i], x[i]) for i in range(n) for j in range(n)) / total
    cyy = sum(f[i, j] * np.outer(y[j], y[j]) for i in range(n) for j in range(n)) / total
    cxy = sum(f[i, j] * np.outer(x[i], y[j]) for i in range(n) for j in range(n)) / total
    values, vectors = scipy.linalg.eig(np.linalg.solve(cxx, cxy) @ np.linalg.solve(cyy, cxy.T))
    order = np.argsort(-values.real)[:3]
    wx, _ = weights(ml_cca(split, dimension=3, sigma=0.8, shrinkage=0.0))
    same_directions(wx, vectors[:, order].real)


def test_ml_cca_of_items_all_unlike_is_cca() -> None:
    split = pairs(31, classes=31)
    split = FeatureSplit(split.ids, split.image, split.text, np.eye(31, dtype=bool))
    same_directions(
        weights(ml_cca(split, dimension=4, sigma=1e-3, shrinkage=0.0))[0], weights(cca(split, dimension=4))[0]
    )


def test_blm_gives_both_views_of_a_noiseless_pair_the_same_content() -> None:
    rng = np.random.default_rng(0)
    content = rng.standard_normal((50, 3))
    x, y = content @ rng.standard_normal((3, 7)), content @ rng.standard_normal((3, 5))
    split = FeatureSplit(
        tuple(map(str, range(50))), x.astype(np.float32), y.astype(np.float32), np.ones((50, 1), dtype=bool)
    )
    trained = blm(split, dimension=3)
    np.testing.assert_allclose(
        trained.projector.image(split.image), trained.projector.text(split.text), atol=1e-4
    )


def test_semantic_matching_is_logistic_regression() -> None:
    split = pairs()
    x, _ = centred(split)
    reference = LogisticRegression(C=0.5, max_iter=1000)
    standardised = x / x.std(axis=0)
    reference.fit(standardised, split.labels.argmax(axis=1))
    trained = semantic_matching(split, image_inverse_ridge=0.5)
    np.testing.assert_allclose(
        trained.projector.image(split.image), reference.predict_proba(standardised), atol=1e-3
    )


def test_semantic_matching_of_two_classes() -> None:
    split = pairs(classes=2)
    x, _ = centred(split)
    standardised = x / x.std(axis=0)
    reference = LogisticRegression(max_iter=1000).fit(standardised, split.labels[:, 1])
    np.testing.assert_allclose(
        semantic_matching(split).projector.image(split.image),
        reference.predict_proba(standardised),
        atol=1e-3,
    )


def test_semantic_matching_needs_labels() -> None:
    split = pairs()
    none = FeatureSplit(split.ids, split.image, split.text, np.zeros_like(split.labels))
    with pytest.raises(InvalidInput, match="a label for every item"):
        semantic_matching(none)


def test_semantic_correlation_matching_is_the_one_after_the_other() -> None:
    split = pairs()
    first = cca(split, dimension=3).projector
    between = FeatureSplit(split.ids, first.image(split.image), first.text(split.text), split.labels)
    second = semantic_matching(between).projector
    whole = semantic_correlation_matching(split, dimension=3).projector
    np.testing.assert_allclose(whole.text(split.text), second.text(between.text), atol=1e-5)
    np.testing.assert_allclose(whole.image(split.image), second.image(between.image), atol=1e-5)


def dense_similarity(split: FeatureSplit) -> np.ndarray:
    unit = split.labels / np.linalg.norm(split.labels, axis=1, keepdims=True)
    similarity: np.ndarray = 2 * unit @ unit.T - 1
    return similarity


def test_semantic_cross_needs_no_square_matrix() -> None:
    split = pairs(multi=True)
    x, y = centred(split)
    np.testing.assert_allclose(semantic_cross(x, y, split.labels), x.T @ dense_similarity(split) @ y)


def canonical(x: np.ndarray, y: np.ndarray, between: np.ndarray) -> tuple[np.ndarray, ...]:
    """Eigenvalues, falling, and directions of both views, for a cross-covariance through `between`."""
    c = x.T @ between @ y
    gx, gy = (view.T @ view + 1e-6 * np.eye(view.shape[1]) for view in (x, y))
    values, vectors = scipy.linalg.eig(np.linalg.solve(gx, c @ np.linalg.solve(gy, c.T)))
    order = np.argsort(-values.real)
    wx = vectors[:, order].real
    return values.real[order], wx, np.linalg.solve(gy, c.T @ wx)


@pytest.mark.parametrize(
    ("seed", "rank", "bits", "sequential"), [(0, 5, 6, 6), (1, 5, 10, 6), (2, 5, 6, 5), (0, 2, 14, 13)]
)
def test_scm_seq_is_the_sequence_of_top_eigenvectors_then_cca(
    seed: int, rank: int, bits: int, sequential: int
) -> None:
    """Canonical directions are taken from where the eigenvalue rises, if there are as many as bits left."""
    split = pairs(60, image=12, classes=6, seed=seed)
    noise = np.random.default_rng(seed).standard_normal(split.image.shape).astype(np.float32)
    text = np.where(np.arange(5) < rank, split.text, 0)
    split = FeatureSplit(split.ids, split.image + 3 * noise, text, split.labels)
    x, y = centred(split)
    wx, wy = weights(scm_seq(split, bits=bits))
    left, before, taken = bits * dense_similarity(split), np.inf, 0
    while taken < bits:
        values, tops, others = canonical(x, y, left)
        if values[0] > before and bits - taken <= rank:
            break
        same_directions(wx[:, [taken]], tops[:, :1])
        same_directions(wy[:, [taken]], others[:, :1])
        left = left - np.outer(np.where(x @ wx[:, taken] > 0, 1, -1), np.where(y @ wy[:, taken] > 0, 1, -1))
        before, taken = values[0], taken + 1
    assert taken == sequential
    _, tops, others = canonical(x, y, np.eye(len(x)))
    same_directions(wx[:, taken:], tops[:, : bits - taken])
    same_directions(wy[:, taken:], others[:, : bits - taken])


def test_scm_orth_keeps_its_constraint() -> None:
    split = pairs()
    x, y = centred(split)
    wx, wy = weights(scm_orth(split, bits=4, ridge=0.0))
    np.testing.assert_allclose(wx.T @ x.T @ x @ wx, np.eye(4), atol=1e-8)
    np.testing.assert_allclose(wy.T @ y.T @ y @ wy, np.eye(4), atol=1e-8)
    with pytest.raises(InvalidInput, match="1 to 5 dimensions"):
        scm_orth(split, bits=6)


def test_cmssh_bits_are_boosted_leading_directions() -> None:
    split = pairs(40)
    x, y = centred(split)
    wx, wy = weights(cmssh(split, bits=4, seed=0))
    alike = (split.labels.astype(int) @ split.labels.T.astype(int)) > 0
    weight = np.where(alike, 0.5 / alike.sum(), 0.5 / (~alike).sum())
    sign = np.where(alike, 1.0, -1.0)
    for bit in range(4):
        u, _, vt = np.linalg.svd(
            sum(weight[i, j] * sign[i, j] * np.outer(x[i], y[j]) for i in range(40) for j in range(40))
        )
        same_directions(wx[:, [bit]], u[:, :1])
        same_directions(wy[:, [bit]], vt[:1].T)
        agree = np.outer(np.where(x @ wx[:, bit] > 0, 1, -1), np.where(y @ wy[:, bit] > 0, 1, -1))
        edge = (weight * sign * agree).sum()
        weight = weight * np.exp(-0.5 * np.log((1 + edge) / (1 - edge)) * sign * agree)
        weight /= weight.sum()


def test_cvh_spreads_ccas_components_over_more_bits() -> None:
    split = pairs()
    wx, _ = weights(cvh(split, bits=12, seed=0, shrinkage=0.0))
    assert wx.shape == (7, 12)
    basis = weights(cca(split, dimension=5))[0]
    assert np.linalg.matrix_rank(np.hstack([basis, wx]), tol=1e-6) == 5


@pytest.mark.parametrize(("components", "bits"), [(3, 8), (8, 3), (4, 4)])
def test_lifting_keeps_inner_products_where_it_can(components: int, bits: int) -> None:
    rotation = lifting_rotation(components, bits, seed=0)
    product = rotation @ rotation.T if components <= bits else rotation.T @ rotation
    np.testing.assert_allclose(product, np.eye(min(components, bits)), atol=1e-12)


def test_acq_descends_and_learns_one_code_a_pair() -> None:
    split = pairs()
    x, y = centred(split)
    rx, ry, codes, trace = co_quantise(x[:, :4], y[:, :4], bits=6, seed=0, iterations=20)
    assert all(after <= before + 1e-9 for before, after in pairwise(trace))
    np.testing.assert_allclose(rx @ rx.T, np.eye(4), atol=1e-10)
    np.testing.assert_allclose(ry @ ry.T, np.eye(4), atol=1e-10)
    assert set(np.unique(codes)) == {-1.0, 1.0}
    trained = acq(split, bits=6, seed=0)
    assert trained.image_codes is trained.text_codes is not None
    summed = trained.projector.image(split.image) + trained.projector.text(split.text)
    assert ((summed > 0) == trained.image_codes).mean() > 0.999


def test_one_pair_is_too_few() -> None:
    split = pairs(4)
    one = FeatureSplit(split.ids[:1], split.image[:1], split.text[:1], split.labels[:1])
    with pytest.raises(InvalidInput, match="at least two pairs"):
        cca(one, dimension=1)
