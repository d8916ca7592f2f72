"""Hamming distances by FAISS' kernels, on the thread that asks."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from scenograph.runtime.contracts import CodeArray


def distances(code: CodeArray, codes: CodeArray) -> NDArray[np.int32]:
    """Bits in which each code differs from one.  Shapes: code (b,), codes (n, b) uint8 -> (n,)."""
    found = np.empty(len(codes), np.int32)
    query, looked = np.ascontiguousarray(code), np.ascontiguousarray(codes)
    pointer = faiss.swig_ptr
    faiss.hammings(  # type: ignore[attr-defined]
        pointer(query), pointer(looked), 1, len(looked), looked.shape[1], pointer(found)
    )
    return found


def gathered(codes: CodeArray, rows: NDArray[np.integer[Any]]) -> CodeArray:
    """Copies of some codes: words are taken several times faster than bytes.  Shapes: codes (n, b), b a
    multiple of 8, rows (m,) -> (m, b).
    """
    return codes.view(np.uint64).take(rows, axis=0).view(np.uint8)


def nearest_of(codes: CodeArray, centres: CodeArray) -> NDArray[np.int64]:
    """The centre nearest to each code.  Shapes: codes (n, b), centres (L, b) uint8 -> (n,)."""
    flat = faiss.IndexBinaryFlat(8 * centres.shape[1])
    flat.add(np.ascontiguousarray(centres))
    found: NDArray[np.int64] = flat.search(np.ascontiguousarray(codes), 1)[1][:, 0]
    return found


def one_thread() -> None:
    """Keeps FAISS to one thread in all that the calling thread asks of it."""
    faiss.omp_set_num_threads(1)
