"""Real Ray workers and a real server: a worker or the driver is killed in the middle, nothing is lost and
nothing comes twice.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from scenograph.bulk.work import STRETCH
from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client
from scenograph.client.errors import CollectionNotFound

pytestmark = pytest.mark.pack

PATIENCE_S = 180.0
FILES, ROWS = 3, 2 * STRETCH + 20
AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")  # see a minute later that Ray is gone
WRONG = {"f0-00007", "f2-00147"}  # rows with neither text nor image


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parquet files of sentences, two of them missing."""
    folder = tmp_path_factory.mktemp("source")
    for file in range(FILES):
        names = [f"f{file}-{row:05}" for row in range(ROWS)]
        texts = [None if name in WRONG else f"a dog number {name} on a sofa" for name in names]
        parquet.write_table(pa.table({"id": names, "text": texts}), folder / f"{file}.parquet")
    return folder


EXPECTED = {f"f{file}-{row:05}" for file in range(FILES) for row in range(ROWS)} - WRONG


class Driver:
    """`scenograph ingest-bulk` in a process of its own."""

    def __init__(self, address: str, collection: str, source: Path, state: Path) -> None:
        self.state = state
        command = [sys.executable, "-m", "scenograph.cli", "ingest-bulk", collection, str(source)]
        command += ["--server", address, "--state", str(state), "--workers", "2", "--json"]
        self.log = state.with_suffix(".log")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)

    def wait_for(self, what: Callable[[], Any]) -> Any:
        """What `what` answers, when it is something."""
        end = time.monotonic() + PATIENCE_S
        while not (found := what()):
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()
            time.sleep(0.01)
        return found

    def stretches(self) -> int:
        """Lines in the ledger, without its header."""
        try:
            return max(0, (self.state / "ledger.jsonl").read_bytes().count(b"\n") - 1)
        except FileNotFoundError:
            return 0

    def descendants(self) -> dict[int, str]:
        """Command lines of all processes that it started, and they."""
        parents, lines = {}, {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                pid, stat = int(folder.name), (folder / "stat").read_text()
                lines[pid] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                parents[pid] = int(stat.rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue  # it has ended
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return {pid: lines[pid] for pid in found - {self.process.pid}}

    def busy_worker(self) -> int | None:
        """A worker that is sending a shard."""
        working = (pid for pid, line in self.descendants().items() if line.startswith("ray::FlatMap"))
        return next(working, None)

    def end(self) -> tuple[int, Any]:
        """Its exit code, and its summary."""
        told, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, json.loads(told) if told else None


@contextmanager
def running(*given: Any) -> Iterator[Driver]:
    driver = Driver(*given)
    try:
        yield driver
    finally:
        driver.process.kill()
        driver.process.communicate()


def wait_for_end(processes: list[int]) -> None:
    end = time.monotonic() + PATIENCE_S
    while any(Path(f"/proc/{pid}").exists() for pid in processes):
        assert time.monotonic() < end, processes
        time.sleep(0.05)


def check_stored(address: str, collection: str) -> None:
    """Exactly the right items, each once, each with its own text."""
    with Client(address) as client:
        found = [item for page in client.list_items(collection, page_size=1000) for item in page]
        assert len(found) == len(EXPECTED) and {item.id for item in found} == EXPECTED
        assert all(tuple(item.texts) == (f"a dog number {item.id} on a sofa",) for item in found)
        client.delete_collection(collection)


def check_summary(summary: Any) -> None:
    assert (summary["shards"], summary["finished"], summary["broken"]) == (FILES, FILES, {})
    assert (summary["stored"], summary["rejected"]) == (len(EXPECTED), len(WRONG))
    report = [json.loads(line) for line in Path(summary["report"]).read_text().splitlines()]
    assert {line["record"] for line in report} == WRONG and len(report) == len(WRONG)


def test_a_killed_worker_is_replaced(server: ServerProcess, source: Path, tmp_path: Path) -> None:
    with running(server.address, "worker-killed", source, tmp_path / "state") as driver:
        driver.wait_for(driver.stretches)
        os.kill(driver.wait_for(driver.busy_worker), signal.SIGKILL)
        assert driver.stretches() < 3 * FILES  # it was in the middle
        code, summary = driver.end()
    assert code == 1  # two records are wrong
    check_summary(summary)
    check_stored(server.address, "worker-killed")


def test_a_killed_driver_goes_on_where_it_was(server: ServerProcess, source: Path, tmp_path: Path) -> None:
    given = (server.address, "driver-killed", source, tmp_path / "state")
    with running(*given) as driver:
        driver.wait_for(driver.stretches)
        started = driver.descendants()
        assert any("raylet" in line for line in started.values())
        driver.process.kill()
        driver.process.wait()
        known = driver.stretches()
        assert 0 < known < 3 * FILES
    wait_for_end([pid for pid, line in started.items() if not line.startswith(AGENTS)])
    with running(*given) as driver:
        code, summary = driver.end()
    assert code == 1 and summary["sent"] <= FILES * ROWS - known * 20
    check_summary(summary)
    with running(*given) as driver:  # nothing is left: no Ray, no sending
        code, again = driver.end()
    assert (code, again["sent"]) == (1, 0) and again["stored"] == summary["stored"]
    check_stored(server.address, "driver-killed")


def test_a_server_that_cannot_be_reached_is_told(source: Path, tmp_path: Path) -> None:
    with running("127.0.0.1:1", "nowhere", source, tmp_path / "state") as driver:
        code, summary = driver.end()
    assert (code, summary) == (1, None) and "127.0.0.1:1" in driver.log.read_text()


def test_the_collection_is_made_once(server: ServerProcess) -> None:
    with Client(server.address) as client, pytest.raises(CollectionNotFound):
        client.get("driver-killed", "f0-00000")
