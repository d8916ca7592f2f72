"""KCCA: CCA of two kernels' feature spaces."""

from __future__ import annotations

from typing import Literal

import numpy as np
from cca_zoo.linear import RidgeCCA
from scipy.linalg import eigh

from scenograph.components import solvers
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.closed_form.views import bounded_dimension
from scenograph.methods.contracts import Trained
from scenograph.methods.kernel import KernelMap, Matrix, fit_kernel_map
from scenograph.methods.projector import LinearProjector, linear_map

EIGENVALUE_FLOOR = 1e-8


@solvers("kcca.v1")
def kcca(
    train: FeatureSplit,
    *,
    dimension: int,
    seed: int,
    image_kernel: Literal["rbf", "chi2"] = "chi2",
    text_kernel: Literal["rbf", "chi2"] = "chi2",
    landmarks: int = 500,
    width: float = 1.0,
    shrinkage: float = 0.1,
) -> Trained:
    """Kernel CCA by Nystroem's map: ridge CCA of each kernel's feature space, spanned by landmark items.

    With as many landmarks as items it is the exact regularised KCCA.
    Errors: InvalidInput (dimension over what the landmarks span; negative features for chi2).
    Source: Hwang & Grauman, IJCV 2012; Hardoon et al. 2004; Williams & Seeger 2000 (Nystroem).
    """
    kernels = [
        fit_kernel_map(raw.astype(np.float64), kind=kind, landmarks=landmarks, seed=seed + place, width=width)
        for place, (raw, kind) in enumerate(((train.image, image_kernel), (train.text, text_kernel)))
    ]
    similarities = [
        kernel(raw.astype(np.float64)) for kernel, raw in zip(kernels, (train.image, train.text), strict=True)
    ]
    means = [values.mean(axis=0) for values in similarities]
    whitenings = [_nystroem(kernel) for kernel in kernels]
    spaces = [
        (values - mean) @ whitening
        for values, mean, whitening in zip(similarities, means, whitenings, strict=True)
    ]
    bounded_dimension(dimension, min(space.shape[1] for space in spaces), "KCCA")
    weights = RidgeCCA(dimension, center=False, shrinkage=shrinkage).fit(spaces).weights_
    image, text = (
        linear_map(mean, whitening @ weight, kernel=kernel)
        for mean, whitening, weight, kernel in zip(means, whitenings, weights, kernels, strict=True)
    )
    return Trained(LinearProjector(image, text))


def _nystroem(kernel: KernelMap) -> Matrix:
    """K_mm^(-1/2) on the eigenvectors that carry it. Shape: (m, r)."""
    values, vectors = eigh(kernel(kernel.landmarks))
    kept = values > EIGENVALUE_FLOOR * values[-1]
    whitening: Matrix = vectors[:, kept] / np.sqrt(values[kept])
    return whitening
