"""The audit log's chain: whatever is done to its lines is found, and where."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenograph.runtime.security.audit.chain import Link, read_line
from scenograph.runtime.security.audit.file import AuditFile
from scenograph.runtime.security.audit.head import head_path, read_head
from scenograph.runtime.security.audit.verify import verify
from scenograph.scene.errors import FailedPrecondition, InvalidInput

shared_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)


@cache
def _made(count: int) -> tuple[bytes, bytes]:
    """What the files of a log of so many lines hold."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        file = AuditFile(path)
        for number in range(count):
            file.append([{"event": "call", "principal": f"é{number % 3}", "items": ["a", '"', "\n"]}])
        file.sync()
        file.close()
        return path.read_bytes(), head_path(path).read_bytes()


def written(path: Path, count: int = 12) -> list[bytes]:
    """A log of so many lines, and the lines."""
    log, head = _made(count)
    path.write_bytes(log)
    head_path(path).write_bytes(head)
    return log.splitlines(keepends=True)


def lines_named(path: Path) -> set[int]:
    return {problem.line for problem in verify(path).problems}


def test_an_untouched_log_is_good(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path)
    found = verify(path)
    assert (found.lines, found.problems, found.torn) == (12, [], [])
    fields = [json.loads(line) for line in lines]
    assert [one["seq"] for one in fields] == list(range(1, 13)) and found.last == read_head(path)
    assert fields[0]["previous"] == "0" * 64
    assert [one["previous"] for one in fields[1:]] == [one["digest"] for one in fields[:-1]]


@given(place=st.integers(0, 10**6), value=st.integers(1, 255))
@shared_folder
def test_any_changed_byte_is_found(tmp_path: Path, place: int, value: int) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path, 5)
    data = bytearray(b"".join(lines))
    place %= len(data)
    data[place] ^= value
    path.write_bytes(data)
    number = bytes(data[:place]).count(b"\n") + 1
    assert number in lines_named(path) or (place == len(data) - 1 and lines_named(path))


@given(st.data())
@shared_folder
def test_any_missing_doubled_or_moved_lines_are_found(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path, 6)
    positions = data.draw(st.lists(st.sampled_from(range(6)), max_size=8).filter(lambda p: p != [*range(6)]))
    path.write_bytes(b"".join(lines[position] for position in positions))
    assert verify(path).problems


@pytest.mark.parametrize(
    ("order", "line", "what"),
    [
        ([0, 1, 3, 4, 5], 3, "missing before it: 3"),
        ([0, 4, 5], 2, "missing before it: 2 to 4"),
        ([0, 1, 2, 3, 4], 6, "number 6 was on disk"),
        ([0, 2, 1, 3, 4, 5], 3, "out of order"),
        ([0, 1, 1, 2, 3, 4, 5], 3, "out of order, or twice"),
    ],
)
def test_which_line_is_told(tmp_path: Path, order: list[int], line: int, what: str) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path, 6)
    path.write_bytes(b"".join(lines[position] for position in order))
    assert any(one.line == line and what in one.what for one in verify(path).problems)


def test_a_line_that_was_made_anew_is_found(tmp_path: Path) -> None:
    """By somebody who knows how lines are made, but does not make anew all that follow."""
    path = tmp_path / "audit.jsonl"
    lines = written(path, 6)
    before = json.loads(lines[1])
    lines[2] = Link(before["seq"], before["digest"]).line({"event": "call", "principal": "somebody else"})[0]
    path.write_bytes(b"".join(lines))
    (problem,) = verify(path).problems
    assert problem.line == 4 and "was replaced" in problem.what


@given(cut=st.integers(1, 10**6))
@shared_folder
def test_a_line_that_was_cut_short_is_mended_and_marked(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path, 3)
    link = Link(3, json.loads(lines[-1])["digest"])
    line, _ = link.line({"event": "call", "principal": "late"})
    torn = line[: 1 + cut % (len(line) - 1)]
    path.write_bytes(b"".join(lines) + torn)
    whole = read_line(torn) is not None  # it lacks its newline alone
    assert verify(path).torn == ([] if whole else [4]) and verify(path).problems == []
    file = AuditFile(path)
    file.append([{"event": "call", "principal": "after"}])
    file.sync()
    file.close()
    found = verify(path)
    assert found.problems == [] and found.torn == ([] if whole else [4])
    after = [json.loads(line) for line in path.read_bytes().splitlines()[4:]]
    assert [one["event"] for one in after] == (["call"] if whole else ["mended", "call"])
    assert path.read_bytes().startswith(b"".join(lines) + torn)  # nothing is taken away


def test_a_torn_line_that_is_changed_later_is_found(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path, 3)
    path.write_bytes(b"".join(lines) + b'{"seq":4,"event":"cal')
    AuditFile(path).close()
    data = path.read_bytes()
    assert verify(path).torn == [4]
    path.write_bytes(data.replace(b'"event":"cal\n', b'"event":"xxx\n'))
    assert 4 in lines_named(path)


def test_zeros_of_a_power_cut_are_mended(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path, 3)
    path.write_bytes(b"".join(lines) + bytes(100_000))
    AuditFile(path).close()
    AuditFile(path).close()
    found = verify(path)
    assert (found.problems, found.torn, found.lines) == ([], [4], 5)


def test_a_crash_while_mending(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path, 3)
    path.write_bytes(b"".join(lines) + b'{"seq":4\n{"seq":4,"time"')
    AuditFile(path).close()
    found = verify(path)
    assert (found.problems, found.torn, found.lines) == ([], [4, 5], 6)


def test_what_was_on_disk_and_is_not_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    lines = written(path, 3)
    for kept in (lines[:2], [*lines[:2], lines[2].replace(b"call", b"cull")], []):
        path.write_bytes(b"".join(kept))
        with pytest.raises(FailedPrecondition, match="line 3 was on disk"):
            AuditFile(path)
        assert verify(path).problems


def test_one_process_writes_a_log(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    file = AuditFile(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FailedPrecondition, match="another process"):
        AuditFile(path)
    file.close()
    AuditFile(path).close()
    with pytest.raises(InvalidInput, match="Is a directory"):
        AuditFile(tmp_path)
