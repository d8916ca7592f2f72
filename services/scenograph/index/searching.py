"""The two stages of a search over one view: Hamming distances with FAISS, then cosines of those kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenograph.index.hamming import distances, gathered
from scenograph.index.masks import Wanted
from scenograph.index.table import View
from scenograph.runtime.contracts import CodeArray, FloatArray, Level, SearchIndex, SearchKind
from scenograph.runtime.levels import cosines, differing_shares, weighted

GATHER_BELOW = (
    0.05  # measured: under this share of rows it is faster to gather their codes than to look at all
)
CHUNK = 4096
SAMPLED = 32_768
SPARE = 16


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Rows of the view's table with their distances in bits, and as shares of all bits, each bit counted
    with its weight and its level's scale; `considered` rows passed the filter.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.int32]
    shares: NDArray[np.float64]
    considered: int
    partly: bool = False
    """Whether lists were looked through, and not every entry."""

    def ordered(self, order: NDArray[np.int64]) -> Found:
        """The same in another order."""
        return Found(
            self.rows[order], self.distances[order], self.shares[order], self.considered, self.partly
        )


def nearest(
    view: View,
    code: CodeArray,
    wanted: Wanted,
    keep: int,
    levels: Sequence[Level] = (),
    *,
    exact: bool = True,
) -> Found:
    """The `keep` wanted rows of least distance, in no order; bits count by the levels' scales.

    Where the last distance has more rows than fit, those first by item id, modality and ordinal are kept.
    Unless `exact`, a collection with lists is looked at in part, where that finds as many of the nearest as
    is asked of it. Shapes: code (bits / 8,) uint8.
    """
    if not wanted.count:
        return Found(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float64), 0)
    keep = min(keep, wanted.count)
    places = None if exact or weighted(levels) else _listed(view, code, wanted, keep)
    partly = places is not None
    if places is None and wanted.count < GATHER_BELOW * view.rows:
        places = np.flatnonzero(wanted.rows)
    codes = view.table.codes.data[: view.rows]
    looked = codes if places is None else gathered(codes, places)
    mask = wanted.rows if places is None and wanted.count < view.rows else None
    if weighted(levels):
        shares = differing_shares(code, looked, levels)
        kept = _least(view, places, shares, mask, keep)
        away, shares = distances(code, looked[kept]), shares[kept]
    else:
        away = distances(code, looked)
        kept = _least(view, places, away, mask, keep)
        away = away[kept]
        shares = away / view.table.bits
    return Found(kept if places is None else places[kept], away, shares, wanted.count, partly)


def _listed(view: View, code: CodeArray, wanted: Wanted, keep: int) -> NDArray[np.int64] | None:
    """The wanted rows in the lists nearest to the code, and those in no list yet; None where all are to be
    looked at: without lists, with a filter that few pass, with more to keep than was measured.
    """
    lists = view.table.lists
    if lists is None or lists.rows > view.rows:
        return None
    probes = lists.probes_for(keep * view.entries / wanted.count)
    if probes is None or wanted.count < GATHER_BELOW * view.rows:
        return None
    rows = np.append(lists.near(code, probes), np.arange(lists.rows, view.rows))
    rows = rows[wanted.rows[rows]]
    return rows if len(rows) >= keep else None


def _least(
    view: View,
    places: NDArray[np.int64] | None,
    values: NDArray[np.int32] | NDArray[np.float64],
    wanted: NDArray[np.bool_] | None,
    keep: int,
) -> NDArray[np.int64]:
    """Where the `keep` least of the wanted values are; row i is `places[i]`, else i.

    Most values are past a bound that a sample of them gives, and need only be compared with it.
    """
    step = max(1, len(values) // SAMPLED)
    sample = values[::step] if wanted is None else values[::step][wanted[::step]]
    rank = min(len(sample) - 1, 2 * keep // step + SPARE)
    near = values <= (np.partition(sample, rank)[rank] if rank >= 0 else np.inf)
    if wanted is not None:
        near &= wanted
    kept = np.flatnonzero(near)
    if len(kept) < keep:
        kept = np.arange(len(values)) if wanted is None else np.flatnonzero(wanted)
    border = np.partition(values[kept], keep - 1)[keep - 1]
    kept = kept[values[kept] <= border]
    if len(kept) > keep:
        last = np.flatnonzero(values[kept] == border)
        tied = kept[last] if places is None else places[kept[last]]
        kept = np.delete(kept, last[_tie_order(view, tied)[len(last) - (len(kept) - keep) :]])
    return kept


def searched(view: View, *, partly: bool = True) -> SearchIndex:
    """What searches of the view go through, or one that looked at a part."""
    lists = view.table.lists
    if not partly or lists is None or not lists.probes:
        return SearchIndex()
    return SearchIndex(SearchKind.LISTS, len(lists.order), len(lists.centres), lists.recall, lists.measured)


def weighed(
    view: View, code: CodeArray, found: Found, bit_weights: FloatArray, levels: Sequence[Level] = ()
) -> Found:
    """The same rows, their shares by the weights of bits.  Shapes: bit_weights (bits,)."""
    shares = differing_shares(code, view.table.codes.data[found.rows], levels, bit_weights)
    return Found(found.rows, found.distances, shares, found.considered, found.partly)


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
        whole[part], own[part] = cosines(embedding, view.table.embeddings.data[found.rows[part]], levels)
    order = _order(view, found.rows, -whole)
    return found.ordered(order), whole[order], own[order]


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
    ids = table.ids.take(table.slot.data[rows])
    keys = zip(
        ids,
        table.modality.data[rows].tolist(),
        table.ordinal.data[rows].tolist(),
        range(len(rows)),
        strict=True,
    )
    return np.array([key[3] for key in sorted(keys)], np.int64)
