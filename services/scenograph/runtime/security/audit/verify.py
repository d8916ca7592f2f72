"""Checks an audit log: that no line was changed, taken out or moved since it was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scenograph.runtime.security.audit.chain import MENDED, Link, read_line, sha256
from scenograph.runtime.security.audit.head import read_head


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a line, counted from 1."""

    line: int
    what: str


@dataclass(slots=True)
class Verified:
    """The result. `torn`: lines that a crash cut short, which were never answered for; no problems."""

    lines: int = 0
    last: Link = field(default_factory=Link)
    problems: list[Problem] = field(default_factory=list)
    torn: list[int] = field(default_factory=list)


def verify(path: Path) -> Verified:
    """Reads a log to its end. Errors: OSError where it cannot be read."""
    result = Verified()
    head, head_met = read_head(path), False
    bad: list[bytes] = []
    for number, line, whole in _lines(path):
        result.lines = number
        fields = read_line(line)
        if fields is None:
            if whole:
                bad.append(line)
            else:
                _changed(result, number, bad)
                bad = []
                result.torn.append(number)
            continue
        if bad and fields.get("event") == MENDED and fields.get("torn_digest") == sha256(b"\n".join(bad)):
            result.torn += range(number - len(bad), number)
            bad = []
        _changed(result, number, bad)
        _link(result, number, fields["seq"], str(fields["previous"]), changed=len(bad))
        bad = []
        result.last = Link(fields["seq"], fields["digest"])
        head_met = head_met or result.last == head
    _changed(result, result.lines + 1, bad)
    if head is not None and head.seq and not head_met:
        what = f"number {head.seq} was on disk, and is not here as it was: changed, or cut off the end"
        result.problems.append(Problem(result.lines + 1, what))
    return result


def _link(result: Verified, number: int, seq: int, previous: str, *, changed: int) -> None:
    """Notes where a line does not follow the last good one; `changed` lines stand between them."""
    expected = result.last.seq + 1 + changed
    if seq == expected and (changed or previous == result.last.digest):
        return
    if seq > expected:
        missing = f"{expected}" if seq == expected + 1 else f"{expected} to {seq - 1}"
        what = f"number {seq}; missing before it: {missing}"
    elif seq < expected:
        what = f"number {seq}, where {expected} should be: out of order, or twice"
    else:
        what = f"number {seq} does not follow the line before, which was replaced"
    result.problems.append(Problem(number, what))


def _changed(result: Verified, number: int, bad: list[bytes]) -> None:
    """The lines before a numbered one were changed."""
    result.problems += (Problem(place, "changed") for place in range(number - len(bad), number))


def _lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Number, bytes without newline, and whether there was one."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield number, line.removesuffix(b"\n"), line.endswith(b"\n")
