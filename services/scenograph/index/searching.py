"""The two stages of a search over one view: Hamming distances with FAISS, then cosines of those kept."""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from scenograph.index.table import View
from scenograph.runtime.contracts import CodeArray, FloatArray, Modality

GATHER_BELOW = (
    0.05  # measured: under this share of rows it is faster to gather their codes than to look at all
)
CHUNK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Rows of the view's table with their distances; `considered` rows were looked at."""

    rows: NDArray[np.int64]
    distances: NDArray[np.int32]
    considered: int


def wanted_rows(view: View, passing: NDArray[np.bool_] | None, modality: Modality) -> NDArray[np.bool_]:
    """Which rows a search looks at: live, of the modality, of an item that passes. Shape: (rows,) bool."""
    wanted = view.live_rows
    if modality != Modality.UNSPECIFIED:
        wanted = wanted & (view.table.modality.data[: view.rows] == modality)
    if passing is not None:
        wanted = wanted & passing[view.table.slot.data[: view.rows]]
    return wanted


def nearest(view: View, code: CodeArray, wanted: NDArray[np.bool_], keep: int) -> Found:
    """The `keep` wanted rows of least distance, in no order.

    Where the last distance has more rows than fit, those first by item id, modality and ordinal are kept.
    Shapes: code (bits / 8,) uint8, wanted (rows,) bool.
    """
    considered = int(np.count_nonzero(wanted))
    if not considered:
        return Found(np.zeros(0, np.int64), np.zeros(0, np.int32), 0)
    codes = view.table.codes.data[: view.rows]
    if considered < GATHER_BELOW * view.rows:
        places = np.flatnonzero(wanted)
        distances = _hamming(code, codes[places])
    else:
        places = None
        distances = _hamming(code, codes)
        if considered < view.rows:
            distances[~wanted] = view.table.bits + 1
    histogram = np.bincount(distances, minlength=view.table.bits + 2)[: view.table.bits + 1]
    border = int(np.searchsorted(np.cumsum(histogram), min(keep, considered)))
    kept = np.flatnonzero(distances <= border)
    if len(kept) > keep:
        last = np.flatnonzero(distances[kept] == border)
        tied = kept[last] if places is None else places[kept[last]]
        kept = np.delete(kept, last[_tie_order(view, tied)[len(last) - (len(kept) - keep) :]])
    rows = kept if places is None else places[kept]
    return Found(rows, distances[kept], considered)


def ranked(view: View, found: Found) -> Found:
    """The rows by distance, then by item id, modality and ordinal."""
    order = _order(view, found.rows, found.distances)
    return Found(found.rows[order], found.distances[order], found.considered)


def rescored(view: View, found: Found, embedding: FloatArray) -> tuple[Found, FloatArray]:
    """The rows by cosine, then by item id, modality and ordinal; and their cosines.

    These are exact: summed in float64, rounded to float32.
    Shapes: embedding (D,) -> cosines (rows found,) float32; a vector of length 0 has cosine 0.
    """
    query = embedding.astype(np.float64)
    size = float(np.linalg.norm(query))
    cosines = np.zeros(len(found.rows), np.float64)
    for start in range(0, len(found.rows), CHUNK):
        part = view.table.embeddings.take(found.rows[start : start + CHUNK]).astype(np.float64)
        sizes = np.sqrt(np.einsum("ij,ij->i", part, part)) * size
        np.divide(part @ query, sizes, out=cosines[start : start + CHUNK], where=sizes > 0)
    rounded = np.clip(cosines, -1, 1).astype(np.float32)
    order = _order(view, found.rows, -rounded)
    return Found(found.rows[order], found.distances[order], found.considered), rounded[order]


def _hamming(code: CodeArray, codes: CodeArray) -> NDArray[np.int32]:
    distances = np.empty(len(codes), np.int32)
    query = np.ascontiguousarray(code)
    pointer = faiss.swig_ptr
    faiss.hammings(  # type: ignore[attr-defined]
        pointer(query), pointer(codes), 1, len(codes), codes.shape[1], pointer(distances)
    )
    return distances


def _order(view: View, rows: NDArray[np.int64], scores: NDArray[np.int32] | FloatArray) -> NDArray[np.int64]:
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
