"""What a collection needs done beside its reads and writes, on a thread of its own: its files made durable,
what was removed erased from them, and its lists made.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, Thread
from weakref import ref

import numpy as np

from scenograph.index.building import build
from scenograph.index.hamming import one_thread
from scenograph.index.limits import Limits
from scenograph.index.lists_file import write_lists
from scenograph.index.opening import remove_earlier
from scenograph.index.position import Position, Stale, check_embeddings, write_position
from scenograph.index.table import View
from scenograph.index.writer import ended

log = logging.getLogger(__name__)

EVERY_S = 1.0
TELL_EVERY_S = 30.0
GROWTH = 0.05  # rows past the lists' end, which are all looked at, as a share of those in them
ERASED = 0  # the modality of a row that is erased: no row has it otherwise


class _Stopped(Exception):
    """The collection is being closed."""


class Upkeep:
    """Starts with a view and the durable position it was read from, if any; `published` tells of every later
    view. Without a home the columns are in memory, and nothing of them is kept.

    `damaged` is called where the embeddings are not what was written, `removed` with the numbers of entries
    that no view has any more.

    Whatever fails here, for want of space say, is tried again later: reads and writes do without.
    """

    def __init__(
        self,
        name: str,
        home: Path | None,
        view: View,
        position: Position | None,
        limits: Limits,
        damaged: Callable[[], object],
        removed: Callable[[Iterable[int]], object],
    ) -> None:
        self._name = name
        self._home = home
        self._limits = limits
        self._damaged = damaged
        self._removed = removed
        self._position = position
        self._saved = view.table.lists
        self._views: deque[ref[View]] = deque()
        self._told = 0.0
        self._due, self._closing = Event(), Event()
        self.published(view)
        self._thread = Thread(target=self._run, name=f"index-upkeep-{name}", daemon=True)
        self._thread.start()

    def published(self, view: View) -> None:
        """Tells of the view that readers are given from now on."""
        self._views.append(ref(view))
        self._view = view
        self._due.set()

    def close(self) -> None:
        """Makes the last view durable, gives up what else is under way, and ends the thread."""
        self._closing.set()
        self._due.set()
        self._thread.join()
        self._damaged = self._removed = ended

    def _run(self) -> None:
        one_thread()
        self._tended(self._check)
        while not self._closing.is_set():
            self._due.wait()
            self._due.clear()
            self._tended(self._tend)
            self._closing.wait(EVERY_S)
        self._tended(self._keep)

    def _tended(self, work: Callable[[], object]) -> None:
        try:
            work()
        except _Stopped:
            pass
        except OSError as error:
            log.warning("%s: files of the index cannot be written now: %s", self._name, error)
            self._due.set()
        except Exception:
            log.exception("%s: upkeep of the index failed", self._name)

    def _check(self) -> None:
        """Reads the embeddings through: they are too many for a start to wait for."""
        if self._position is None:
            return
        try:
            check_embeddings(self._view.table, self._position, self._stop)
        except Stale as reason:
            log.error("%s: %s; the columns are made anew from the records", self._name, reason)
            self._position = None
            self._damaged()

    def _tend(self) -> None:
        view = self._keep()
        self._erase(view)
        self._index(view)

    def _keep(self) -> View:
        """Makes the view durable that readers have now."""
        view, last, folder = self._view, self._position, self._view.table.folder
        if self._home is None or folder is None:
            return view
        if last is None or (last.table, last.version) != (folder.name, view.version):
            self._position = write_position(self._home, view, last)
            remove_earlier(self._home, folder)
        return view

    def _erase(self, view: View) -> None:
        """Writes over what no view has any more. Only what the position on the disk does without may be
        erased.
        """
        table, modality = view.table, view.table.modality
        rows = np.flatnonzero(~view.live_rows)
        rows = rows[modality.data[rows] != ERASED]
        if not len(rows):
            return
        if any(older.version < view.version for older in self._read_still(view)):
            self._due.set()
            return
        slots = np.unique(table.slot.data[rows]).astype(np.int64)
        table.ids.erase(slots)
        table.labels.erase(slots)
        table.metadata.erase(slots, b"{}")
        table.texts.erase(rows)
        for column in (table.codes, table.embeddings):
            column.erase(rows)
        for part in (table.ids, table.labels, table.metadata, table.texts, table.codes, table.embeddings):
            part.sync()
        table.columns.forget(slots)
        self._removed(table.entry.data[rows].tolist())
        modality.erase(rows)

    def _read_still(self, view: View) -> list[View]:
        """The views of the same table that somebody has."""
        while self._views and self._views[0]() is None:
            self._views.popleft()
        held = [each() for each in list(self._views)]
        return [each for each in held if each is not None and each.table is view.table]

    def _index(self, view: View) -> None:
        """Makes lists where the collection is large and has none, or many rows past their end; keeps them."""
        table = view.table
        lists = table.lists
        if view.entries > self._limits.exact_up_to and (
            lists is None or view.rows - lists.rows > GROWTH * lists.rows
        ):
            began = self._told = time.monotonic()
            log.info("%s: an index of %d entries is being built", self._name, view.entries)
            lists = table.lists = build(view, self._limits.recall, lists, self._progress)
            took = time.monotonic() - began
            log.info("%s: built in %.1f s, recall %.3f at %d", self._name, took, lists.recall, lists.measured)
        if lists is not None and lists is not self._saved:
            if table.folder is not None:
                write_lists(table.folder, lists)
            self._saved = lists

    def _progress(self, what: str, done: int, of: int) -> None:
        self._stop()
        if time.monotonic() - self._told > TELL_EVERY_S:
            log.info("%s: %s: %d of %d", self._name, what, done, of)
            self._told = time.monotonic()

    def _stop(self) -> None:
        if self._closing.is_set():
            raise _Stopped
