"""The two stages of a search over one view: Hamming distances with FAISS, then cosines of those kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from scenograph.index.table import View
from scenograph.runtime.contracts import CodeArray, FloatArray, Level, Modality
from scenograph.runtime.levels import cosines, differing_shares, weighted

GATHER_BELOW = (
    0.05  # measured: under this share of rows it is faster to gather their codes than to look at all
)
CHUNK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Rows of the view's table with their distances in bits, and as shares of all bits, each bit counted
    with its weight and its level's scale; `considered` rows were looked at.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.int32]
    shares: NDArray[np.float64]
    considered: int

    def ordered(self, order: NDArray[np.int64]) -> Found:
        """The same in another order."""
        return Found(self.rows[order], self.distances[order], self.shares[order], self.considered)


def wanted_rows(view: View, passing: NDArray[np.bool_] | None, modality: Modality) -> NDArray[np.bool_]:
    """Which rows a search looks at: live, of the modality, of an item that passes. Shape: (rows,) bool."""
    wanted = view.live_rows
    if modality != Modality.UNSPECIFIED:
        wanted = wanted & (view.table.modality.data[: view.rows] == modality)
    if passing is not None:
        wanted = wanted & passing[view.table.slot.data[: view.rows]]
    return wanted


def nearest(
    view: View, code: CodeArray, wanted: NDArray[np.bool_], keep: int, levels: Sequence[Level] = ()
) -> Found:
    """The `keep` wanted rows of least distance, in no order; bits count by the levels' scales.

    Where the last distance has more rows than fit, those first by item id, modality and ordinal are kept.
    Shapes: code (bits / 8,) uint8, wanted (rows,) bool.
    """
    considered = int(np.count_nonzero(wanted))
    if not considered:
        return Found(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float64), 0)
    codes = view.table.codes.data[: view.rows]
    places = np.flatnonzero(wanted) if considered < GATHER_BELOW * view.rows else None
    looked = codes if places is None else codes[places]
    left_out = ~wanted if places is None and considered < view.rows else None
    keep = min(keep, considered)
    if weighted(levels):
        shares = differing_shares(code, looked, levels)
        if left_out is not None:
            shares[left_out] = np.inf
        kept = _least(view, places, shares, float(np.partition(shares, keep - 1)[keep - 1]), keep)
        distances, shares = _hamming(code, looked[kept]), shares[kept]
    else:
        distances = _hamming(code, looked)
        if left_out is not None:
            distances[left_out] = view.table.bits + 1
        histogram = np.bincount(distances, minlength=view.table.bits + 2)[: view.table.bits + 1]
        border = int(np.searchsorted(np.cumsum(histogram), keep))
        kept = _least(view, places, distances, border, keep)
        distances = distances[kept]
        shares = distances / view.table.bits
    return Found(kept if places is None else places[kept], distances, shares, considered)


def _least(
    view: View,
    places: NDArray[np.int64] | None,
    values: NDArray[np.int32] | NDArray[np.float64],
    border: float,
    keep: int,
) -> NDArray[np.int64]:
    """Where the `keep` least values are, the greatest of which is `border`; row i is `places[i]`, else i."""
    kept = np.flatnonzero(values <= border)
    if len(kept) > keep:
        last = np.flatnonzero(values[kept] == border)
        tied = kept[last] if places is None else places[kept[last]]
        kept = np.delete(kept, last[_tie_order(view, tied)[len(last) - (len(kept) - keep) :]])
    return kept


def weighed(
    view: View, code: CodeArray, found: Found, bit_weights: FloatArray, levels: Sequence[Level] = ()
) -> Found:
    """The same rows, their shares by the weights of bits.  Shapes: bit_weights (bits,)."""
    shares = differing_shares(code, view.table.codes.data[found.rows], levels, bit_weights)
    return Found(found.rows, found.distances, shares, found.considered)


def ranked(view: View, found: Found) -> Found:
    """The rows by distance, then by item id, modality and ordinal."""
    return found.ordered(_order(view, found.rows, found.shares))


def rescored(
    view: View, found: Found, embedding: FloatArray, levels: Sequence[Level] = ()
) -> tuple[Found, FloatArray, FloatArray]:
    """The rows by cosine, then by item id, modality and ordinal; their cosines, and those of each level.

    These are exact: summed in float64, rounded to float32; components count by the levels' scales.
    Shapes: embedding (D,) -> cosines (rows found,), (rows found, levels) float32; a vector of length 0 has
    cosine 0.
    """
    whole = np.zeros(len(found.rows), np.float32)
    own = np.zeros((len(found.rows), len(levels)), np.float32)
    for start in range(0, len(found.rows), CHUNK):
        part = slice(start, start + CHUNK)
        whole[part], own[part] = cosines(embedding, view.table.embeddings.take(found.rows[part]), levels)
    order = _order(view, found.rows, -whole)
    return found.ordered(order), whole[order], own[order]


def _hamming(code: CodeArray, codes: CodeArray) -> NDArray[np.int32]:
    distances = np.empty(len(codes), np.int32)
    query = np.ascontiguousarray(code)
    pointer = faiss.swig_ptr
    faiss.hammings(  # type: ignore[attr-defined]
        pointer(query), pointer(codes), 1, len(codes), codes.shape[1], pointer(distances)
    )
    return distances


def _order(
    view: View, rows: NDArray[np.int64], scores: NDArray[np.float64] | FloatArray
) -> NDArray[np.int64]:
    """The order that sorts by score, least first, then as `_tie_order`."""
    order = np.argsort(scores, kind="stable")
    breaks = np.flatnonzero(np.diff(scores[order])) + 1
    starts, ends = np.append(0, breaks), np.append(breaks, len(rows))
    for place in np.flatnonzero(ends - starts > 1).tolist():
        tied = order[starts[place] : ends[place]]
        order[starts[place] : ends[place]] = tied[_tie_order(view, rows[tied])]
    return order


def _tie_order(view: View, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The order that sorts rows by item id (code points), modality and ordinal."""
    table = view.table
    ids = [table.ids[slot] for slot in table.slot.data[rows].tolist()]
    keys = zip(
        ids,
        table.modality.data[rows].tolist(),
        table.ordinal.data[rows].tolist(),
        range(len(rows)),
        strict=True,
    )
    return np.array([key[3] for key in sorted(keys)], np.int64)
