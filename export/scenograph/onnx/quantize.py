"""int8 variants of exported models, and how much of an encoder's meaning one keeps."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

Vectors = npt.NDArray[np.float32]

_INT8_PRODUCTS = 4  # MatMulNBits' accuracy level: multiply in int8
BLOCK = 32  # weights that share a scale


def quantize_weights(source: Path, target: Path) -> None:
    """Write a copy whose matrix products have int8 weights, a scale for each 32; the same bytes each time.

    The runtime quantises activations by blocks of one row too, so a row's result does not depend on its
    batch. (ONNX Runtime's dynamic int8 takes one scale for the whole batch: the same sentence then gets
    another vector in other company.)  The products become ONNX Runtime's own operator MatMulNBits.
    """
    with _quiet():
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

        quantizer = MatMulNBitsQuantizer(
            onnx.load(source), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=_INT8_PRODUCTS
        )
        quantizer.process()
    target.write_bytes(quantizer.model.model.SerializeToString(deterministic=True))


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


@contextmanager
def _quiet() -> Iterator[None]:
    """Undo what the quantiser does to logging when it is imported, and silence its note on each node."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    disabled = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(disabled)
        root.setLevel(level)
        root.handlers[:] = handlers
