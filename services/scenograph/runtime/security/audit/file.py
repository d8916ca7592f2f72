"""The file of an audit log: opened for one process, mended where a crash cut its last line short."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scenograph.runtime.security.audit.chain import MENDED, Link, read_line, sha256, utc_now
from scenograph.runtime.security.audit.head import head_path, read_head, write_head
from scenograph.scene.errors import FailedPrecondition, InvalidInput

Write = Callable[[int, bytes], int]
_BLOCK = 1 << 16


class AuditFile:
    """Lines are added at its end, never changed. All methods block; for one thread.

    Errors on making one: FailedPrecondition (another process writes it, or its last line is not what was on
    disk), InvalidInput (it cannot be opened).
    """

    def __init__(self, path: Path, write: Write = os.write) -> None:
        self._write = write
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            self._head = os.open(head_path(path), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise InvalidInput(f"audit log {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise FailedPrecondition(f"audit log {path}: another process writes it") from error
        self._link = Link()
        try:
            self._go_on(path)
        except BaseException:
            self.close()
            raise

    def append(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Adds a line for each event: all of them or, where there is an error (OSError), none."""
        link, lines = self._link, []
        for event in events:
            line, link = link.line(event)
            lines.append(line)
        self._add(b"".join(lines))
        self._link = link

    def sync(self) -> None:
        """Returns once what was added is on disk. Errors: OSError."""
        os.fsync(self._file)
        write_head(self._head, self._link)

    def close(self) -> None:
        os.close(self._file)
        os.close(self._head)

    def _add(self, data: bytes) -> None:
        size, left = os.fstat(self._file).st_size, data
        try:
            while left:
                left = left[self._write(self._file, left) :]
        except OSError:
            os.ftruncate(self._file, size)  # a part of a line would break the chain
            raise

    def _go_on(self, path: Path) -> None:
        """Takes up the chain at the file's end."""
        link, rest, whole = self._end()
        head = read_head(path)
        if head is not None and head.seq > link.seq:
            raise FailedPrecondition(
                f"audit log {path}: line {head.seq} was on disk, and is not there as it was; "
                "see `scenograph audit verify`, and move the file away"
            )
        self._link = link
        if whole:
            self._add(b"\n")
        elif torn := rest.removesuffix(b"\n"):
            told = {"time": utc_now(), "event": MENDED, "torn_bytes": len(torn), "torn_digest": sha256(torn)}
            line, self._link = link.line(told)
            self._add(line if rest.endswith(b"\n") else b"\n" + line)
        self.sync()

    def _end(self) -> tuple[Link, bytes, bool]:
        """The last good line, what follows it and its newline, and whether that newline is missing."""
        size, block = os.fstat(self._file).st_size, _BLOCK
        while True:
            start = max(0, size - block)
            lines = os.pread(self._file, size - start, start).split(b"\n")
            first = 0 if start == 0 else 1  # a block may begin within a line
            for place in range(len(lines) - 1, first - 1, -1):
                if (fields := read_line(lines[place])) is not None:
                    rest = b"\n".join(lines[place + 1 :])
                    return Link(fields["seq"], fields["digest"]), rest, place == len(lines) - 1
            if start == 0:
                return Link(), b"\n".join(lines), False
            block *= 8
