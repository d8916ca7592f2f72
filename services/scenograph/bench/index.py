"""The index's Hamming stage, over every code and over lists, beside FAISS called directly on the same."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ParamSpec, TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray

from scenograph.bench.codes import Mixture, Tell
from scenograph.index.building import build
from scenograph.index.draft import Draft
from scenograph.index.hamming import one_thread
from scenograph.index.masks import Wanted
from scenograph.index.searching import Found, nearest, ranked
from scenograph.index.table import Rows, Table, View, empty_view
from scenograph.runtime.contracts import CodeArray
from scenograph.scene.errors import Internal

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """Searches that keep the `keep` nearest on one thread: milliseconds, medians over queries, and the share
    of the nearest that the lists find. `filtered_ms`: where every second entry passes a filter; FAISS is not
    filtered.
    """

    keep: int
    exact_ms: float
    filtered_ms: float
    faiss_ms: float
    lists_ms: float
    lists_filtered_ms: float
    recall: float
    filtered_recall: float

    @property
    def ratio(self) -> float:
        """The exact search's time in FAISS' times."""
        return self.exact_ms / self.faiss_ms


@dataclass(frozen=True, slots=True)
class Searching:
    """What was searched, how long its lists took to make and how many bytes of memory they take."""

    entries: int
    bits: int
    distance: float
    lists: int
    build_s: float
    lists_bytes: int
    kept: tuple[Kept, ...]


def measure(
    mixture: Mixture, entries: int, *, keep: Sequence[int], queries: int, recall: float, tell: Tell
) -> Searching:
    """Each query goes to all kinds of search, one after the other.

    Errors: Internal (the exact search's distances are not FAISS').
    """
    one_thread()
    with tempfile.TemporaryDirectory(prefix="scenograph-") as folder:
        view = _view(Path(folder), mixture, entries, tell)
        flat = faiss.IndexBinaryFlat(mixture.bits)
        flat.add(view.table.codes.data[:entries])
        began = time.perf_counter()
        lists = view.table.lists = build(view, recall, progress=tell)
        took = time.perf_counter() - began
        asked = mixture.queries(queries + 1)
        measured = []
        for place, number in enumerate(keep):
            tell("searches", place, len(keep))
            measured.append(_kept(view, flat, asked, min(number, entries)))
        size = sum(part.nbytes for part in (lists.order, lists.codes, lists.centres, lists.starts))
        return Searching(
            entries, mixture.bits, mixture.distance, len(lists.centres), took, size, tuple(measured)
        )


def _kept(view: View, flat: faiss.IndexBinaryFlat, queries: CodeArray, keep: int) -> Kept:
    passing = np.random.default_rng(0).random(view.rows) < 0.5
    everything = Wanted(view.live_rows, view.entries)
    some = Wanted(passing, int(np.count_nonzero(passing)))
    took: dict[str, list[float]] = {
        name: [] for name in ("exact", "filtered", "faiss", "lists", "lists filtered")
    }
    found, filtered = [], []
    for query in queries:
        whole = _timed(took["exact"], _search, view, query, everything, keep, exact=True)
        distances, _ = _timed(took["faiss"], flat.search, query[None], keep)
        if not np.array_equal(np.sort(whole.distances), distances[0]):
            raise Internal("the index and FAISS found different distances")
        part = _timed(took["filtered"], _search, view, query, some, keep, exact=True)
        found.append(
            _recall(_timed(took["lists"], _search, view, query, everything, keep, exact=False), whole)
        )
        filtered.append(
            _recall(_timed(took["lists filtered"], _search, view, query, some, keep, exact=False), part)
        )
    ms = {name: 1e3 * median(values[1:]) for name, values in took.items()}  # the first one warms up
    return Kept(
        keep,
        ms["exact"],
        ms["filtered"],
        ms["faiss"],
        ms["lists"],
        ms["lists filtered"],
        float(np.mean(found)),
        float(np.mean(filtered)),
    )


def _recall(found: Found, exact: Found) -> float:
    """The share of what was to be found; as far as the last is as good as another."""
    return float(np.mean(np.sort(found.distances) <= exact.distances.max()))


def _search(view: View, query: CodeArray, wanted: Wanted, keep: int, *, exact: bool) -> Found:
    return ranked(view, nearest(view, query, wanted, keep, exact=exact))


def _timed(seconds: list[float], work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the work answers; its processor seconds are added: all is on one thread, and they do not count
    what else the machine does.
    """
    began = time.thread_time()
    answer = work(*args, **kwargs)
    seconds.append(time.thread_time() - began)
    return answer


def _view(folder: Path, mixture: Mixture, entries: int, tell: Tell) -> View:
    """A collection of items of one entry, without embeddings."""
    draft = Draft(empty_view(Table(folder / "1", mixture.bits, 0), 1))
    for codes, modality in mixture.entries(entries):
        first, size = draft.rows, len(codes)
        numbers: NDArray[np.int64] = np.arange(first, first + size)
        nothing = np.zeros((size, 0), np.float32)
        rows = Rows(modality, np.zeros(size, np.int32), numbers, codes, nothing, [""] * size)
        names = [f"item-{number:09d}" for number in numbers.tolist()]
        draft.append(names, [b"{}"] * size, [b""] * size, numbers, np.ones(size, np.int64), rows)
        tell("codes made", draft.rows, entries)
    return draft.view(1)
