"""The lines of an audit log: one JSON object each, bound to the line before.

A line ends with `"previous"`, the digest of the line before, and `"digest"`, the SHA-256 of all that stands
before it in the line. So no line can be changed, left out or moved unless all that follow are made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

START = "0" * 64
"""What the first line is bound to."""
MENDED = "mended"
"""The event of a line that tells of a torn one before it."""
_DIGEST = b',"digest":"'
_TAIL = len(_DIGEST) + 64 + len(b'"}')


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain has come to: the number and digest of its last line."""

    seq: int = 0
    digest: str = START

    def line(self, fields: Mapping[str, Any]) -> tuple[bytes, Link]:
        """The next line, newline and all, and where the chain has come to with it."""
        own = {"seq": self.seq + 1, **fields, "previous": self.digest}
        body = json.dumps(own, separators=(",", ":"), ensure_ascii=True).encode()[:-1]
        digest = sha256(body)
        return body + _DIGEST + digest.encode() + b'"}\n', Link(self.seq + 1, digest)


def read_line(line: bytes) -> dict[str, Any] | None:
    """The fields of a line without its newline; None where it is not what was written."""
    body, tail = line[:-_TAIL], line[-_TAIL:]
    if tail != _DIGEST + sha256(body).encode() + b'"}':
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    known = isinstance(fields, dict) and isinstance(fields.get("seq"), int) and "previous" in fields
    return fields if known else None


def sha256(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()


def utc_now() -> str:
    """The time as lines tell it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
