"""Pairs of regions: which are worth naming a relation for, and what lies in the box around both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.visual_units import GRID, grid

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

MAX_PAIRS = 24


def union_weights(first: FloatArray, second: FloatArray) -> FloatArray:
    """How much each cell of the grid counts in the box around two, by the area that it covers.

    Shapes: (P, 4), (P, 4) -> (P, GRID^2), rows of sum 1.
    """
    low = np.minimum(first[:, :2], second[:, :2])[:, None]
    high = np.maximum(first[:, 2:], second[:, 2:])[:, None]
    cells = grid(GRID)
    sides = np.minimum(high, cells[:, 2:]) - np.maximum(low, cells[:, :2])
    covered = np.clip(sides, 0.0, None).prod(axis=2) + 1e-6
    return np.asarray(covered / covered.sum(axis=1, keepdims=True), dtype=np.float32)


def near_pairs(boxes: FloatArray, *, limit: int = MAX_PAIRS) -> IntArray:
    """Ordered pairs of different boxes, the nearest first, both orders of each.

    Shapes: (N, 4) -> (2, P), P at most `limit`.
    """
    first, second = np.triu_indices(len(boxes), k=1)
    low = np.maximum(boxes[first, :2], boxes[second, :2])
    high = np.minimum(boxes[first, 2:], boxes[second, 2:])
    gap = np.clip(low - high, 0.0, None).sum(axis=1)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    apart = gap + 0.1 * np.abs(middles[first] - middles[second]).sum(axis=1)
    kept = np.argsort(apart, kind="stable")[: limit // 2]
    one, other = first[kept], second[kept]
    pairs = np.stack([np.stack([one, other], axis=1), np.stack([other, one], axis=1)], axis=1)
    return np.asarray(pairs.reshape(-1, 2).T, dtype=np.int64)
