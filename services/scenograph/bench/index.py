"""The index's Hamming stage over random codes, beside FAISS called directly on the same codes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import ParamSpec, TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray

from scenograph.index.searching import Found, nearest, ranked
from scenograph.index.table import Table, View
from scenograph.runtime.contracts import CodeArray
from scenograph.scene.errors import Internal

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Searching:
    """Milliseconds of a search on one thread, medians over queries. `filtered_ms`: where every second item
    passes a filter; FAISS itself has none.
    """

    entries: int
    bits: int
    keep: int
    index_ms: float
    filtered_ms: float
    faiss_ms: float

    @property
    def ratio(self) -> float:
        """The index's time in FAISS' times."""
        return self.index_ms / self.faiss_ms


def measure(entries: int, *, bits: int, keep: int, queries: int, seed: int = 0) -> Searching:
    """Each query goes to the index, the filtered index and FAISS, one after the other.

    Errors: Internal (their distances differ).
    """
    random = np.random.default_rng(seed)
    codes = random.integers(0, 256, (entries, bits // 8), dtype=np.uint8)
    view = _view(codes)
    everything, passing = np.ones(entries, bool), random.random(entries) < 0.5
    flat = faiss.IndexBinaryFlat(bits)
    flat.add(codes)
    faiss.omp_set_num_threads(1)
    took: dict[str, list[float]] = {"index": [], "filtered": [], "faiss": []}
    keep = min(keep, entries)
    for query in random.integers(0, 256, (queries + 1, bits // 8), dtype=np.uint8):
        ours = _timed(took["index"], _search, view, query, everything, keep)
        _timed(took["filtered"], _search, view, query, passing, keep)
        distances, _ = _timed(took["faiss"], flat.search, query[None], keep)
        if not np.array_equal(ours.distances, distances[0]):
            raise Internal("the index and FAISS found different distances")
    medians = {name: 1e3 * median(values[1:]) for name, values in took.items()}  # the first one warms up
    return Searching(entries, bits, keep, medians["index"], medians["filtered"], medians["faiss"])


def _search(view: View, query: CodeArray, wanted: NDArray[np.bool_], keep: int) -> Found:
    return ranked(view, nearest(view, query, wanted, keep))


def _timed(seconds: list[float], work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the work answers; its seconds are added."""
    began = time.perf_counter()
    answer = work(*args, **kwargs)
    seconds.append(time.perf_counter() - began)
    return answer


def _view(codes: CodeArray) -> View:
    """A collection in memory: an item for each code, without embeddings."""
    entries, size = codes.shape
    table = Table(8 * size, 1, slots=entries, rows=entries)
    numbers: NDArray[np.int64] = np.arange(entries)
    table.ids = [f"item-{number:09d}" for number in range(entries)]
    table.codes.write(0, codes)
    table.slot.write(0, numbers)
    table.modality.write(0, np.ones(entries, np.uint8))
    table.ordinal.write(0, np.zeros(entries, np.int32))
    living = np.ones(entries, bool)
    return View(table, 1, living, living, entries, entries)
