"""The two stages of a search over one view: Hamming distances with FAISS, then cosines of those kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenograph.index.access import Held
from scenograph.index.hamming import distances, gathered
from scenograph.index.masks import Wanted
from scenograph.index.table import View
from scenograph.runtime.contracts import CodeArray, FloatArray, Level, SearchIndex, SearchKind
from scenograph.runtime.levels import cosines, differing_shares, weighted

GATHER_BELOW = (
    0.05  # measured: under this share of rows it is faster to gather their codes than to look at all
)
CHUNK = 4096
SAMPLED = 2048
SPARE = 16
PART = 65_536  # distances of so many codes stay in the processor's cache

Near = tuple[NDArray[np.int64], NDArray[np.int32]]  # rows and their distances


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
    if weighted(levels):
        return _nearest_weighted(view, code, wanted, keep, levels)
    listed = None if exact else _listed(view, code, wanted, keep)
    rows, away = listed or _looked_through(view, code, wanted, keep)
    kept = _least(view, rows, away, keep)
    shares = away[kept] / view.table.bits
    return Found(rows[kept], away[kept], shares, wanted.count, listed is not None)


def _nearest_weighted(
    view: View, code: CodeArray, wanted: Wanted, keep: int, levels: Sequence[Level]
) -> Found:
    rows = np.flatnonzero(wanted.rows)
    shares = differing_shares(code, gathered(view.table.codes.data, rows), levels)
    kept = _least(view, rows, shares, keep)
    away = distances(code, view.table.codes.data[rows[kept]])
    return Found(rows[kept], away, shares[kept], wanted.count)


def _looked_through(view: View, code: CodeArray, wanted: Wanted, keep: int) -> Near:
    """Wanted rows and their distances, among them the `keep` nearest. All codes are looked at, but few are
    kept: those within a bound that a sample of them gives, mostly.
    """
    codes = view.table.codes.data[: view.rows]
    if wanted.count < GATHER_BELOW * view.rows:
        rows = np.flatnonzero(wanted.rows)
        return rows, distances(code, gathered(codes, rows))
    step = max(1, view.rows // SAMPLED)
    sample = distances(code, codes[::step][wanted.rows[::step]])
    rank = 2 * keep // step + SPARE
    bound = np.partition(sample, rank)[rank] if rank < len(sample) else view.table.bits
    everything = wanted.count == view.rows
    parts = []
    for start in range(0, view.rows, PART):
        away = distances(code, codes[start : start + PART])
        near = away <= bound
        if not everything:
            near &= wanted.rows[start : start + PART]
        found = np.flatnonzero(near)
        parts.append((found + start, away[found]))
    rows, away = (np.concatenate(each) for each in zip(*parts, strict=True))
    if len(rows) < keep:  # the sample was unlike the rest
        rows = np.flatnonzero(wanted.rows)
        away = distances(code, gathered(codes, rows))
    return rows, away


def _listed(view: View, code: CodeArray, wanted: Wanted, keep: int) -> Near | None:
    """The wanted rows in the lists nearest to the code, those in no list yet, and their distances; None where
    all are to be looked at: without lists, with a filter that few pass, with more to keep than was measured.
    """
    lists = view.table.lists
    if lists is None or lists.rows > view.rows or wanted.count < GATHER_BELOW * view.rows:
        return None
    probes = lists.probes_for(keep * view.entries / wanted.count)
    if probes is None:
        return None
    listed, near = lists.near(code, probes)
    later = np.arange(lists.rows, view.rows)
    rows = np.append(listed, later)
    away = np.append(near, distances(code, view.table.codes.data[lists.rows : view.rows]))
    if wanted.count < view.rows:
        passing = wanted.rows[rows]
        rows, away = rows[passing], away[passing]
    return (rows, away) if len(rows) >= keep else None


def _least(
    view: View, rows: NDArray[np.int64], values: NDArray[np.int32] | NDArray[np.float64], keep: int
) -> NDArray[np.int64]:
    """Where the `keep` least values are; value i is of row rows[i]."""
    border = np.partition(values, keep - 1)[keep - 1]
    kept = np.flatnonzero(values <= border)
    if len(kept) > keep:
        last = np.flatnonzero(values[kept] == border)
        kept = np.delete(kept, last[_tie_order(view, rows[kept[last]])[len(last) - (len(kept) - keep) :]])
    return kept


def searched(view: View, held: Held = None, *, partly: bool = True) -> SearchIndex:
    """What searches of the view go through, or one that looked at a part.

    How many entries the lists have is not told to who may see some of them only.
    """
    lists = view.table.lists
    if not partly or lists is None or not lists.probes:
        return SearchIndex()
    if held is not None:
        return SearchIndex(SearchKind.LISTS, 0, 0, lists.recall, lists.measured)
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
    alike = np.diff(scores[order]) == 0
    tied = np.flatnonzero(np.append(alike, False) | np.append(False, alike))
    if len(tied):
        group = np.cumsum(np.append(True, ~alike))[tied]
        order[tied] = order[tied][_tie_order(view, rows[order[tied]], group)]
    return order


def _tie_order(
    view: View, rows: NDArray[np.int64], group: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """The order that sorts rows by group, item id (code points), modality and ordinal."""
    table, slots = view.table, view.table.slot.data[rows]
    starts, ends = table.ids.spans(slots)
    keys = [table.ordinal.data[rows], table.modality.data[rows], ends - starts, table.ids.padded(slots)]
    return np.lexsort(keys if group is None else [*keys, group])
