"""The artefact of shallow methods: its maps against slow loops, its file, its errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from scenograph.methods.kernel import KernelKind, KernelMap, fit_kernel_map
from scenograph.methods.projector import LinearProjector, linear_map
from scenograph.scene.errors import InvalidInput


def similarity(kind: str, x: np.ndarray, a: np.ndarray, gamma: float) -> float:
    if kind == "rbf":
        return float(np.exp(-gamma * sum((p - q) ** 2 for p, q in zip(x, a, strict=True))))
    return float(np.exp(-gamma * sum((p - q) ** 2 / (p + q) for p, q in zip(x, a, strict=True))))


@pytest.mark.parametrize("kind", ["rbf", "chi2"])
def test_kernel_maps_equal_a_loop(kind: KernelKind) -> None:
    rng = np.random.default_rng(0)
    x, landmarks = rng.random((4, 3)) + 0.1, rng.random((5, 3)) + 0.1
    expected = [[similarity(kind, row, a, 0.7) for a in landmarks] for row in x]
    np.testing.assert_allclose(KernelMap(kind, landmarks, 0.7)(x), expected)


@pytest.mark.parametrize("kind", ["rbf", "chi2"])
def test_the_kernels_width_is_the_mean_distance(kind: KernelKind) -> None:
    x = np.random.default_rng(0).random((30, 3)) + 0.1
    fitted = fit_kernel_map(x, kind=kind, landmarks=30, seed=0)
    distances = [-np.log(similarity(kind, row, a, 1.0)) for row in x for a in x]
    assert fitted.gamma == pytest.approx(1 / np.mean(distances))
    assert {tuple(row) for row in fitted.landmarks} == {tuple(row) for row in x}


def test_landmarks_may_be_cluster_centres() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    x = np.concatenate([centre + 0.1 * rng.standard_normal((20, 2)) for centre in centres])
    fitted = fit_kernel_map(x, kind="rbf", landmarks=3, seed=0, choice="kmeans")
    gaps = np.linalg.norm(fitted.landmarks[:, None] - centres[None], axis=2).min(axis=0)
    assert gaps.max() < 0.2


def test_chi2_is_for_histograms() -> None:
    with pytest.raises(InvalidInput, match="histograms"):
        fit_kernel_map(np.full((4, 2), -1.0), kind="chi2", landmarks=2, seed=0)


def test_a_saved_projector_is_the_same_projector(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kernel = KernelMap("rbf", rng.random((6, 3)), 0.5)
    projector = LinearProjector(
        linear_map(rng.random(6), rng.random((6, 4)), kernel=kernel),
        linear_map(rng.random(5), rng.random((5, 4)), rng.random(4), activation="softmax"),
    )
    projector.save(tmp_path / "method.safetensors")
    loaded = LinearProjector.load(tmp_path / "method.safetensors")
    image, text = rng.random((7, 3)).astype(np.float32), rng.random((7, 5)).astype(np.float32)
    np.testing.assert_array_equal(loaded.image(image), projector.image(image))
    np.testing.assert_array_equal(loaded.text(text), projector.text(text))
    np.testing.assert_allclose(loaded.text(text).sum(axis=1), 1.0, rtol=1e-6)


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"x": np.zeros(2)}, other)
    with pytest.raises(InvalidInput, match="format None"):
        LinearProjector.load(other)
    other.write_bytes(b"nothing")
    with pytest.raises(InvalidInput, match="not a projector file"):
        LinearProjector.load(other)
    with pytest.raises(InvalidInput, match="not a projector file"):
        LinearProjector.load(tmp_path / "none.safetensors")


def test_features_of_another_width_are_refused() -> None:
    projector = LinearProjector(linear_map(np.zeros(3), np.eye(3)), linear_map(np.zeros(2), np.ones((2, 3))))
    with pytest.raises(InvalidInput, match=r"trained on \(n, 2\)"):
        projector.text(np.zeros((4, 3), dtype=np.float32))
