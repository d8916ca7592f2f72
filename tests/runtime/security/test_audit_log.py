"""The writer of the audit log: what is answered for is on disk, whatever happens to process and disk."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scenograph.runtime.security.audit import log as module
from scenograph.runtime.security.audit.log import AuditLog
from scenograph.runtime.security.audit.verify import verify
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.scene.errors import Unavailable

PATIENCE_S = 30.0


def events(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_lines_of_many_threads_are_one_chain(tmp_path: Path) -> None:
    path, metrics = tmp_path / "audit.jsonl", Metrics()
    log = AuditLog(path, metrics)

    def write(thread: int) -> None:
        for number in range(50):
            if number % 5:
                log.note({"event": "call", "thread": thread, "number": number})
            else:
                log.record({"event": "end", "thread": thread, "number": number}).result(PATIENCE_S)
                assert f'"thread":{thread},"number":{number},'.encode() in path.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    log.close()
    assert verify(path).problems == [] and len(events(path)) == 400
    for thread in range(8):
        assert [e["number"] for e in events(path) if e["thread"] == thread] == list(range(50))
    assert metrics.registry.get_sample_value("scenograph_audit_lines_total") == 400
    with pytest.raises(Unavailable):
        log.note({})


def test_a_restart_goes_on_with_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for life in range(3):
        log = AuditLog(path)
        log.record({"event": "call", "life": life}).result(PATIENCE_S)
        log.note({"event": "call", "life": life})
        log.close()
    assert [one["life"] for one in events(path)] == [0, 0, 1, 1, 2, 2] and verify(path).problems == []


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(3):
        command = [sys.executable, "-m", "tests.runtime.security.writer", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            answered = [int(process.stdout.readline()) for _ in range(20)]
            process.kill()
            answered += [int(line) for line in process.stdout.read().split("\n")[:-1]]
        kept = [e["number"] for e in events_or_torn(path) if e.get("event") == "end"]
        assert kept[-len(answered) :] == answered or kept[-len(answered) - 1 : -1] == answered
    AuditLog(path).close()
    found = verify(path)
    assert found.problems == [] and found.lines >= 3 * 20 * 21


def events_or_torn(path: Path) -> list[dict[str, object]]:
    found = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            found.append({"event": "torn"})
    return found


class Disk:
    """Writes to a file until it is said to be full; then half of what it is given, and ENOSPC."""

    def __init__(self) -> None:
        self.full = threading.Event()

    def write(self, file: int, data: bytes) -> int:
        if not self.full.is_set():
            return os.write(file, data)
        os.write(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_refuses_and_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG", 5)
    path, disk, metrics = tmp_path / "audit.jsonl", Disk(), Metrics()
    log = AuditLog(path, metrics, disk.write)
    log.record({"number": 0}).result(PATIENCE_S)
    disk.full.set()
    for _ in range(3):
        with pytest.raises(Unavailable, match="audit log cannot be written"):
            log.record({"number": "refused"}).result(PATIENCE_S)
    with pytest.raises(Unavailable):
        for number in range(1, 100):  # until as many wait as may
            log.note({"number": number})
    assert (metrics.registry.get_sample_value("scenograph_audit_failures_total") or 0) >= 3
    disk.full.clear()
    while True:
        try:
            log.record({"number": "last"}).result(PATIENCE_S)
            break
        except Unavailable:  # what waits is still being tried
            continue
    log.close()
    assert verify(path).problems == []
    numbers = [one["number"] for one in events(path)]
    assert "refused" not in numbers and numbers[0] == 0 and numbers[-1] == "last"
    assert numbers[1:-1] == list(range(1, len(numbers) - 1)) and len(numbers) > 6
