"""Files that an operator may change while a server runs: read again when they change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from scenograph.scene.errors import InvalidInput, ScenographError

log = logging.getLogger(__name__)

T = TypeVar("T")

EVERY_S = 1.0
"""How often the files are looked at."""


class Watched(Generic[T]):
    """What a text file says, as `parse` reads it. `value` is the last good reading.

    Errors on making one: those of `parse`; InvalidInput where the file cannot be read. Later ones are logged,
    and the value stays.
    """

    def __init__(self, path: Path, parse: Callable[[str], T]) -> None:
        self._path = path
        self._parse = parse
        self._stamp = self._look()
        self.value = self._read()

    def refresh(self) -> bool:
        """Reads the file again where it is another one now (blocking); whether the value is new."""
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            self.value = self._read()
        except ScenographError as error:
            log.error("%s; what it said before stays in force", error)
            return False
        log.info("%s was read again", self._path)
        return True

    def _look(self) -> tuple[int, int, int] | None:
        """When it was written, its length, and which file it is; None where there is none now."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> T:
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError as error:
            raise InvalidInput(f"{self._path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{self._path}: not UTF-8 at byte {error.start}") from error
        try:
            return self._parse(text)
        except InvalidInput as error:
            raise InvalidInput(f"{self._path}: {error.message}") from error


async def keep_fresh(files: Sequence[Watched[Any]], every_s: float = EVERY_S) -> None:
    """Reads the files again as they change, until it is cancelled."""
    while files:
        await asyncio.sleep(every_s)
        for file in files:
            await asyncio.to_thread(file.refresh)
