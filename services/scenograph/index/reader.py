"""A collection's read side: views from memory, and records from the file as it was at that view."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path

import numpy as np

from scenograph.index import checks, database, reading, searching
from scenograph.index.access import Held
from scenograph.index.database import State, errors_named
from scenograph.index.filters import parse_filter
from scenograph.index.graphcache import GraphCache
from scenograph.index.limits import DEFAULT_CANDIDATES
from scenograph.index.masks import MaskCache
from scenograph.index.pool import ConnectionPool
from scenograph.index.sealed import Codec
from scenograph.index.table import View
from scenograph.runtime.contracts import IndexAnswer, IndexHit, IndexQuery, Modality, Record, Timings
from scenograph.runtime.telemetry.spans import here
from scenograph.scene.errors import Unavailable

PIN_S = 10.0
PAUSE_S = 0.0002
MODALITIES = tuple(Modality)  # faster than asking the enum for each hit


class Reader:
    """Any number of threads read at once and wait for nobody. The writer publishes by setting `view`.

    Every method blocks. Errors: IndexCorrupt, Unavailable; StoreClosed after `close`.
    """

    def __init__(self, path: Path, name: str, view: View, codec: Codec, kept_graphs: int) -> None:
        self.name = name
        self.view = view
        self.graphs = GraphCache(codec, kept_graphs)
        self._codec = codec
        self._masks = MaskCache()
        self._pool = ConnectionPool(lambda: database.open_file(path, name))

    def close(self) -> None:
        """Lets go of the file; reads under way end first."""
        self._pool.close()

    def counts(self, view: View, held: Held) -> tuple[int, int]:
        """How many items and entries a view has for who holds these labels."""
        return self._masks.counts(view, held)

    def get(self, ids: Sequence[str], brief: bool, held: Held = None) -> tuple[list[Record], list[str]]:
        """The records that exist for who holds these labels, in the order asked for, and the ids that do
        not.
        """
        checks.check_ids(ids)
        wanted = list(dict.fromkeys(ids))
        with self._pinned() as (connection, state, _):
            found = reading.records_by_id(connection, self._codec, wanted, state, brief, held)
        return [found[item] for item in wanted if item in found], [
            item for item in wanted if item not in found
        ]

    def list_items(
        self, after: int, until: int | None, size: int, filter: str, brief: bool, held: Held = None
    ) -> tuple[list[Record], int, int | None]:
        """At most `size` records after a place in the order of first writing, up to another (None: the end
        as it is now).

        Answers with the records, the place that bounds the list, and the place to go on after (None: it ends
        here).
        """
        parse_filter(filter)
        with self._pinned() as (connection, state, view):
            last = state.next_sequence - 1 if until is None else until
            passing = self._masks.passing(view, filter, held)
            wanted = view.live_slots if passing is None else view.live_slots & passing
            places = view.table.sequence.data[: view.slots][wanted]
            places = np.sort(places[(places > after) & (places <= last)])
            page = places[:size].tolist()
            records = reading.records_by_sequence(connection, self._codec, page, state, brief)
        return records, last, page[-1] if len(places) > size else None

    def search(self, query: IndexQuery, held: Held = None) -> IndexAnswer:
        """The nearest entries that are there for who holds these labels, all from one view;
        `checks.check_query` has passed the query. Errors: InvalidFilter.
        """
        parse_filter(query.filter)
        if not query.with_graphs:
            return self._search(self.view, query, held, None)
        with self._pinned() as (connection, _, view):
            return self._search(view, query, held, connection)

    def copy(self, target: Path) -> None:
        """Writes the present state to a new file while reads and writes go on. Errors: DiskFull."""
        with errors_named(self.name), self._pool.lease() as connection:
            connection.execute("PRAGMA query_only = OFF")  # copying counts as writing
            try:
                connection.execute("VACUUM INTO ?", (str(target),))
            finally:
                connection.execute("PRAGMA query_only = ON")

    @contextmanager
    def _pinned(self) -> Iterator[tuple[sqlite3.Connection, State, View]]:
        """A read transaction, its state, and the view of the same version; the writer goes on meanwhile."""
        with errors_named(self.name), self._pool.lease() as connection:
            give_up = time.monotonic() + PIN_S
            while True:
                connection.execute("BEGIN")
                try:
                    state, view = database.read_state(connection), self.view
                    if view.version == state.version:
                        yield connection, state, view
                        return
                finally:
                    connection.execute("ROLLBACK")
                if time.monotonic() > give_up:
                    raise Unavailable(f"{self.name!r} changes too fast to be read")
                time.sleep(PAUSE_S)  # a commit is done and about to be published

    def _search(
        self, view: View, query: IndexQuery, held: Held, connection: sqlite3.Connection | None
    ) -> IndexAnswer:
        timings: Timings = {}
        lap = _stopwatch(timings)
        table = view.table
        wanted = self._masks.wanted(view, query.filter, query.modality, held)
        lap("filter")
        keep = query.coarse_candidates or DEFAULT_CANDIDATES
        found = searching.nearest(view, query.code, wanted, keep, query.levels, exact=query.exact)
        if query.bit_weights is not None:
            found = searching.weighed(view, query.code, found, query.bit_weights, query.levels)
        lap("hamming")
        if query.embedding is not None and table.dimension:
            found, cosines, levels = searching.rescored(view, found, query.embedding, query.levels)
            lap("cosine")
        else:
            found, cosines = searching.ranked(view, found), np.zeros(len(found.rows), np.float32)
            levels = np.zeros((len(found.rows), 0), np.float32)
        shown = table.entry.data[found.rows[: query.with_graphs]].tolist()
        graphs = self.graphs.get(connection, shown) if connection is not None else []
        hits = [
            IndexHit(
                item,
                MODALITIES[modality],
                ordinal,
                distance,
                cosine,
                text,
                graph,
                share,
                tuple(own),
            )
            for item, text, modality, ordinal, distance, cosine, share, own, graph in zip(
                table.ids.take(table.slot.data[found.rows]),
                table.texts.take(found.rows),
                table.modality.data[found.rows].tolist(),
                table.ordinal.data[found.rows].tolist(),
                found.distances.tolist(),
                cosines.tolist(),
                found.shares.tolist(),
                levels.tolist(),
                chain(graphs, repeat(None)),
                strict=False,
            )
        ]
        lap("read")
        searched = searching.searched(view, held, partly=found.partly)
        return IndexAnswer(hits, found.considered, view.version, timings, searched)


def _stopwatch(timings: Timings) -> Callable[[str], None]:
    """Notes what each stage took since the one before, in the timings and in the call's trace."""
    last, place = time.perf_counter(), here()

    def lap(stage: str) -> None:
        nonlocal last
        now = time.perf_counter()
        if place is not None:
            place.add(stage, now - last, {})
        timings[stage], last = (now - last) * 1e3, now

    return lap
