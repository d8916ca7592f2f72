"""int8 variants of exported models, and how much of an encoder's meaning one keeps."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def quantize_dynamic(source: Path, target: Path) -> None:
    """Write an int8 copy: weights per channel ahead, activations at run time; the same bytes each time.

    Weights use 7 of the 8 bits: on CPUs without VNNI the full range overflows 16-bit sums, and results would
    differ from machine to machine.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic  # slow to import

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises a preprocessing that exported models have been through
    try:
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    finally:
        root.setLevel(level)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near a variant's vectors are to the original's: cosines, and whether rankings by them agree.

    `neighbours`: mean share of each vector's ten nearest that stay among the ten nearest.
    """

    mean_cosine: float
    min_cosine: float
    neighbours: float


def agreement(original: Vectors, variant: Vectors, *, k: int = 10) -> Agreement:
    """Compare unit vectors of the same texts by two models.  Shapes: (n, D), (n, D), n > k."""
    cosines = (original * variant).sum(axis=1)
    nearest = _nearest(original, k)
    kept = [len(set(a) & set(b)) / k for a, b in zip(nearest, _nearest(variant, k), strict=True)]
    return Agreement(float(cosines.mean()), float(cosines.min()), float(np.mean(kept)))


def _nearest(vectors: Vectors, k: int) -> list[list[int]]:
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    order: list[list[int]] = np.argsort(-similarity, axis=1, kind="stable")[:, :k].tolist()
    return order
