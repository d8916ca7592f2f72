"""Lists made for a collection: centres chosen on a sample, every row put to its nearest, and the number of
lists that a search looks through measured against exact search.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scenograph.index.hamming import distances, gathered, nearest_of
from scenograph.index.lists import Lists
from scenograph.index.table import View
from scenograph.runtime.contracts import CodeArray

SAMPLE = 64  # codes for each list that centres are chosen on
ROUNDS = 10
CHUNK = 65_536
QUERIES = 64  # that probes are chosen by; as many others measure the recall
KEPT = (100, 300, 1000, 3000, 10_000, 30_000, 100_000)
REPORTED = 1000
MOST = 0.3  # of the entries: to look through lists of more costs about what looking at all of them does

Progress = Callable[[str, int, int], object]  # what is being done, how much of it is, of how much


def build(
    view: View, recall: float, earlier: Lists | None = None, progress: Progress = lambda what, done, of: None
) -> Lists:
    """Lists of the view's living rows in which searches find `recall` of the nearest, on average.

    `progress` is told of each step; what it raises ends the work. `earlier` lists of the same table lend
    their centres while it has less than doubled since these were chosen.
    """
    random = np.random.default_rng(view.rows)
    codes, living = view.table.codes.data, np.flatnonzero(view.live_rows)
    labels = np.full(view.rows, -1, np.int32)
    if earlier is not None and view.entries < 2 * earlier.trained:
        centres, trained = earlier.centres, earlier.trained
        labels[earlier.order] = np.repeat(np.arange(len(centres)), np.diff(earlier.starts))
        labels[~view.live_rows] = -1
        fresh = living[labels[living] < 0]
    else:
        number = 2 ** round(math.log2(math.sqrt(len(living))))
        chosen = np.sort(random.choice(living, min(len(living), SAMPLE * number), replace=False))
        centres, trained, fresh = majorities(codes[chosen], number, random, progress), len(living), living
    for start in range(0, len(fresh), CHUNK):
        progress("entries put into lists", start, len(fresh))
        part = fresh[start : start + CHUNK]
        labels[part] = nearest_of(codes[part], centres)
    order = living[np.argsort(labels[living].astype(np.uint16), kind="stable")].astype(np.int32)
    starts = np.append(0, np.cumsum(np.bincount(labels[living], minlength=len(centres))))
    curves = _curves(view, centres, labels, random.choice(living, 2 * QUERIES), progress)
    sizes = np.diff(starts)
    probes, measured, found = [], 0, 1.0
    for keep, tried in curves.items():
        wanted = recall + (1 - recall) / 4  # the choice is made on few queries
        lists = int(np.searchsorted(tried[:QUERIES].mean(axis=0), wanted)) + 1
        if lists * sizes.mean() > MOST * len(living) or lists > len(centres):
            break
        probes.append((keep, lists))
        if keep <= REPORTED:
            measured, found = keep, float(tried[QUERIES:, lists - 1].mean())
    codes = gathered(codes, order)
    return Lists(view.rows, centres, starts, order, codes, tuple(probes), found, measured, trained)


def majorities(codes: CodeArray, number: int, random: np.random.Generator, progress: Progress) -> CodeArray:
    """Centres of so many groups of codes: each bit is what most of the group have.

    This is Lloyd's algorithm for Hamming distance; a group that lost all its codes starts anew from one of
    them. Shapes: codes (n, b) -> (number, b) uint8.
    """
    centres = codes[random.choice(len(codes), number, replace=False)]
    for turn in range(ROUNDS):
        progress("centres chosen", turn, ROUNDS)
        labels = nearest_of(codes, centres)
        order, counts = np.argsort(labels, kind="stable"), np.bincount(labels, minlength=number)
        starts = np.append(0, np.cumsum(counts))
        for group in range(number):
            members = codes[order[starts[group] : starts[group + 1]]]
            if len(members):
                ones = np.unpackbits(members, axis=1).sum(axis=0, dtype=np.int64)
                centres[group] = np.packbits(2 * ones > len(members))
            else:
                centres[group] = codes[random.integers(len(codes))]
    return centres


def _curves(
    view: View, centres: CodeArray, labels: NDArray[np.int32], rows: NDArray[np.int64], progress: Progress
) -> dict[int, NDArray[np.float64]]:
    """For each number kept: the share of a query's nearest that lie in its first 1, 2, ... lists.

    Queries are entries of the collection; every second looks through entries of the other modality alone, if
    there are any, and keeps as many fewer as they are fewer.  Shapes: rows (Q,) -> (Q, L) each.
    """
    codes, modality = view.table.codes.data[: view.rows], view.table.modality.data[: view.rows]
    kept = [keep for keep in KEPT if keep <= len(labels) * MOST]
    curves = {keep: np.ones((len(rows), len(centres))) for keep in kept}
    for place, row in enumerate(rows.tolist()):
        progress("recall measured", place, len(rows))
        wanted = view.live_rows & (modality != modality[row])
        if place % 2 or not wanted.any():
            wanted = view.live_rows
        away = distances(codes[row], codes)
        away[~wanted] = 8 * codes.shape[1] + 1
        away[row] = 8 * codes.shape[1] + 1
        share = np.count_nonzero(wanted) / view.entries
        nearest = np.argpartition(away, max(1, round(max(kept, default=1) * share)))
        rank = np.empty(len(centres), np.int64)
        rank[np.argsort(distances(codes[row], centres), kind="stable")] = np.arange(len(centres))
        for keep in sorted(kept, reverse=True):
            few = max(1, round(keep * share))
            nearest = (
                nearest[:few]
                if len(nearest) <= few
                else nearest[np.argpartition(away[nearest], few - 1)[:few]]
            )
            curves[keep][place] = np.cumsum(np.bincount(rank[labels[nearest]], minlength=len(centres))) / few
    return curves
