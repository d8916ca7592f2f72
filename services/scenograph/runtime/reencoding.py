"""What the admin service asks of whatever makes collections anew for another pack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Protocol

from scenograph.scene.errors import ScenographError


class ReencodingState(IntEnum):
    """What a re-encoding is doing; numbers as in the proto."""

    RUNNING = 1
    DONE = 2
    FAILED = 3
    CANCELLED = 4
    INTERRUPTED = 5


@dataclass(frozen=True, slots=True)
class Reencoding:
    """How far a collection's re-encoding is, in items; `error` says why it failed."""

    collection: str
    pack: str
    state: ReencodingState
    done: int
    total: int
    start_time: datetime
    end_time: datetime | None = None
    error: ScenographError | None = None


class Reencodings(Protocol):
    """Re-encodings of a process's collections, the last of each."""

    def packs(self) -> set[str]:
        """The packs that running ones make collections anew for."""
        ...

    async def start(self, collection: str, pack: str) -> Reencoding:
        """Begins one, or goes on with what was not finished; to the default pack where none is named. One
        that runs already goes on.

        Errors: CollectionNotFound, PackNotLoaded, ImagesNotKept, InvalidInput (it holds that pack's codes
        already), FailedPrecondition (one to another pack runs).
        """
        ...

    async def get(self, collection: str) -> Reencoding:
        """Errors: ReencodingNotFound."""
        ...

    async def list(self) -> list[Reencoding]:
        """By collection."""
        ...

    async def cancel(self, collection: str) -> Reencoding:
        """Ends one, and forgets what it made. Errors: ReencodingNotFound."""
        ...
