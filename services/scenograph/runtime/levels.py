"""Distances and cosines of codes and embeddings that are made of levels, as search and rank count them.

An embedding is its levels' unit vectors side by side, each times the root of the level's weight w; so the
dot product of two is the mean of the levels' cosines by these weights. Other weights r need no other
vectors: level l's part of the dot product counts r / w times, which is its `scale`. Bits count alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenograph.runtime.contracts import CodeArray, FloatArray, Level

BLOCK, CHUNK = 65_536, 4096
"""Codes looked at in one step; as many whose bits are taken apart."""


def weighted(levels: Sequence[Level]) -> bool:
    """Whether some level counts other than it does by itself."""
    return any(level.scale != 1.0 for level in levels)


def differing_shares(
    code: CodeArray,
    codes: CodeArray,
    levels: Sequence[Level],
    bit_weights: FloatArray | None = None,
) -> NDArray[np.float64]:
    """The share of bits that differ, each bit counted with its level's scale and its own weight.

    Bits past the codes' end and bits of no level count nothing; where none counts, all count alike. With the
    sizes of the query's projections as weights this ranks as the asymmetric distance of Dong et al. 2008.
    Shapes: code (b,), codes (n, b) uint8, b a multiple of 8, bit_weights (8 b,) -> (n,) in [0, 1].
    """
    if bit_weights is not None:
        return _weighted_shares(code, codes, levels, bit_weights)
    masks = [(level.scale, _mask(level, 8 * len(code))) for level in levels if level.scale > 0]
    total = sum(scale * int(np.bitwise_count(mask).sum()) for scale, mask in masks)
    if not weighted(levels) or not total:
        masks, total = [(1.0, np.full(len(code), 255, dtype=np.uint8))], 8.0 * len(code)
    query = np.ascontiguousarray(code).view(np.uint64)
    shares = np.zeros(len(codes), dtype=np.float64)
    for start in range(0, len(codes), BLOCK):
        differing = np.ascontiguousarray(codes[start : start + BLOCK]).view(np.uint64) ^ query
        block = shares[start : start + BLOCK]
        for scale, mask in masks:
            counts = np.zeros(len(block), dtype=np.int64)
            for column, word in enumerate(mask.view(np.uint64)):
                if word:
                    counts += np.bitwise_count(differing[:, column] & word)
            block += scale * counts
    return shares / total


def _weighted_shares(
    code: CodeArray, codes: CodeArray, levels: Sequence[Level], bit_weights: FloatArray
) -> NDArray[np.float64]:
    counts = np.asarray(bit_weights, dtype=np.float64)
    if weighted(levels):
        masks = np.stack([np.unpackbits(_mask(level, 8 * len(code))) for level in levels])
        counts = counts * (np.array([level.scale for level in levels]) @ masks)
    total = float(counts.sum())
    if not total:
        return differing_shares(code, codes, levels)
    shares = np.empty(len(codes), dtype=np.float64)
    for start in range(0, len(codes), CHUNK):
        differing = np.unpackbits(codes[start : start + CHUNK] ^ code, axis=1)
        shares[start : start + CHUNK] = differing @ (counts / total)
    return shares


def cosines(query: FloatArray, vectors: FloatArray, levels: Sequence[Level]) -> tuple[FloatArray, FloatArray]:
    """Cosines of vectors with a query, each component counted with its level's scale; and each level's own.

    Both are summed in float64, brought into [-1, 1] and rounded to float32. A vector of length 0 has 0.
    Shapes: query (D,), vectors (n, D) -> (n,), (n, levels).
    """
    asked, rows = query.astype(np.float64), vectors.astype(np.float64)
    scaled = asked
    if weighted(levels):
        scaled = np.zeros_like(asked)
        for level in levels:
            part = slice(level.start, level.stop)
            scaled[part] = level.scale * asked[part]
    whole = _cosines(scaled, asked, rows)
    if len(levels) == 1 and (levels[0].start, levels[0].stop) == (0, len(asked)):
        return whole, whole[:, np.newaxis]
    own = np.empty((len(rows), len(levels)), dtype=np.float32)
    for place, level in enumerate(levels):
        part = slice(level.start, level.stop)
        own[:, place] = _cosines(asked[part], asked[part], rows[:, part])
    return whole, own


def _cosines(
    scaled: NDArray[np.float64], asked: NDArray[np.float64], rows: NDArray[np.float64]
) -> FloatArray:
    sizes = np.sqrt(np.einsum("ij,ij->i", rows, rows)) * float(np.linalg.norm(asked))
    found = np.zeros(len(rows), dtype=np.float64)
    np.divide(rows @ scaled, sizes, out=found, where=sizes > 0)
    return np.clip(found, -1, 1).astype(np.float32)


def _mask(level: Level, bits: int) -> CodeArray:
    """The level's bits of a code of so many bits.  Shapes: -> (bits / 8,) uint8."""
    chosen = np.zeros(bits, dtype=np.uint8)
    for start, stop in level.bits:
        chosen[start:stop] = 1
    return np.packbits(chosen)
