"""Graphs that searches showed lately, decoded. They never change: a rewritten entry has a new number."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock

from scenograph.index import reading
from scenograph.index.sealed import Codec
from scenograph.scene.graph import SceneGraph


class GraphCache:
    """Reads graphs by entry number and keeps the last. Threads share it."""

    def __init__(self, codec: Codec, size: int) -> None:
        self._codec = codec
        self._size = size
        self._lock = Lock()
        self._graphs: OrderedDict[int, SceneGraph | None] = OrderedDict()

    def get(self, connection: sqlite3.Connection, entries: Sequence[int]) -> list[SceneGraph | None]:
        """The entries' graphs, in order; None for an entry without one."""
        with self._lock:
            found = {entry: self._graphs[entry] for entry in entries if entry in self._graphs}
        fresh = reading.graphs(connection, self._codec, [entry for entry in entries if entry not in found])
        found |= fresh
        with self._lock:
            self._graphs.update(fresh)
            for entry in entries:
                if entry in self._graphs:
                    self._graphs.move_to_end(entry)
            while len(self._graphs) > self._size:
                self._graphs.popitem(last=False)
        return [found.get(entry) for entry in entries]

    def forget(self, entries: Iterable[int]) -> None:
        """Drops the graphs of entries that are removed."""
        with self._lock:
            for entry in entries:
                self._graphs.pop(entry, None)
