"""SQLite connections that readers share, one reader at a time each."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from scenograph.index.writer import StoreClosed
from scenograph.scene.errors import ScenographError


class ConnectionPool:
    """Opens a connection where none is free; there are as many as there were readers at once."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._free: list[sqlite3.Connection] = []
        self._closed = False
        self._lock = Lock()

    @contextmanager
    def lease(self) -> Iterator[sqlite3.Connection]:
        """A connection for the block. Errors: StoreClosed after `close`."""
        with self._lock:
            if self._closed:
                raise StoreClosed
            connection = self._free.pop() if self._free else None
        connection = connection or self._opened()
        try:
            yield connection
        finally:
            with self._lock:
                if not self._closed:
                    self._free.append(connection)
                    connection = None
            if connection is not None:
                connection.close()

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except ScenographError:
            if self._closed:  # and the file is gone: not the caller's trouble
                raise StoreClosed from None
            raise

    def close(self) -> None:
        """Closes the free connections now and the leased ones when they come back."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for connection in free:
            connection.close()
