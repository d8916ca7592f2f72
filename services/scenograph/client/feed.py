"""The items of an ingest stream: those under way are counted, local failures kept apart."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import grpc

from scenograph.client.arguments import Item
from scenograph.client.errors import InvalidInput, ScenographError
from scenograph.client.results import IngestStatus
from scenograph.v1 import gateway_pb2

WINDOW = 64
"""Items sent and not yet answered; sending waits when there are as many."""

Build = Callable[[Item], gateway_pb2.IngestRequest]
ITEM_ERRORS = (OSError, ValueError, ScenographError)


def local_failure(item: Item, error: Exception) -> IngestStatus:
    """The status of an item that never reached the server: its file cannot be read, or it is malformed."""
    if not isinstance(error, ScenographError):
        reason = "UNREADABLE_FILE" if isinstance(error, OSError) else ""
        error = InvalidInput(str(error), code=grpc.StatusCode.INVALID_ARGUMENT, reason=reason)
    return IngestStatus(item.id, item.request_id, error=error)


class Feed:
    """Items as requests, drawn by gRPC's sending thread; `answered` and `stop` are called by the reading one.

    An error of the caller's own iterator ends the stream in good order and waits in `error`.
    """

    def __init__(self, items: Iterable[Item], build: Build, window: int) -> None:
        self._items = items
        self._build = build
        self._slots = threading.Semaphore(window)
        self._stopped = False
        self.failures: deque[IngestStatus] = deque()
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[gateway_pb2.IngestRequest]:
        try:
            for item in self._items:
                self._slots.acquire()
                if self._stopped:
                    return
                try:
                    request = self._build(item)
                except ITEM_ERRORS as error:
                    self.failures.append(local_failure(item, error))
                    self._slots.release()
                    continue
                yield request
        except Exception as error:
            self.error = error

    def answered(self) -> None:
        """One item was answered: another may go."""
        self._slots.release()

    def stop(self) -> None:
        """Send no more."""
        self._stopped = True
        self._slots.release()
