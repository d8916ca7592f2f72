"""The file beside an audit log that says how far it has come: lines cut off its end are missed by it."""

from __future__ import annotations

import os
from pathlib import Path

from scenograph.runtime.security.audit.chain import Link

SUFFIX = ".head"
_WIDTH = 20


def head_path(log: Path) -> Path:
    """Where the head of a log is kept."""
    return log.with_name(log.name + SUFFIX)


def read_head(log: Path) -> Link | None:
    """The last line that was on disk for certain; None where nothing says so."""
    try:
        seq, digest = head_path(log).read_text(encoding="ascii").split()
        return Link(int(seq), digest)
    except (OSError, ValueError):
        return None


def write_head(file: int, link: Link) -> None:
    """Overwrites the head in place, always with as many bytes. Written after the lines it tells of."""
    os.pwrite(file, f"{link.seq:0{_WIDTH}d} {link.digest}\n".encode(), 0)
