"""A disk without room: writing is refused by name, everything else goes on, and room lets writing go on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import grpc
import pytest

from scenograph.client import Client, Item, errors
from scenograph.packs import Pack
from tests.faults.load import search
from tests.faults.outcome import Outcome
from tests.faults.sentences import sentences
from tests.faults.servers import Restartable
from tests.support import ROOT

FILLER = {"k": "0123456789" * 6000}
OTHER = "other"
LATE = "a dog under a red umbrella"


def test_the_index_on_a_full_disk(tmp_path: Path) -> None:
    """The same by a limit of the process's own, which needs no rights: of every step of the index alone."""
    command = [sys.executable, "-m", "tests.faults.full_disk", str(tmp_path / "index")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and run.stdout.endswith("done\n"), run.stdout + run.stderr


def _small_disk(folder: Path) -> list[str]:
    """A prefix for commands that run with 24 MiB of disk at `folder`, of which another file takes 4; skips
    where that cannot be had.
    """
    mount = f'mount -t tmpfs -o size=24m none "{folder}" && head -c 4M /dev/zero > "{folder}/{OTHER}"'
    prefix = ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("this machine lets no test mount a small disk (unshare -rm)")
    return prefix


def test_a_full_disk(default_pack: Pack, tmp_path: Path) -> None:
    server = Restartable(tmp_path)
    server.data.mkdir()
    server.command[:0] = _small_disk(server.data)
    outcome = Outcome("no space left on the disk of the index", note="writes without room: DISK_FULL")
    server.start()
    try:
        with Client(server.address) as client:
            client.create_collection("full")
            stored = _fill(client, outcome)
            for _ in range(3):  # nothing is worse for having been tried again
                assert not _put(client, outcome, "late", FILLER)
            _compare(client, stored, outcome)
            began = time.monotonic()
            assert server.process is not None
            Path(f"/proc/{server.process.pid}/root{server.data}/{OTHER}").unlink()  # room, from elsewhere
            while not _put(client, outcome, "late", FILLER):
                assert time.monotonic() < began + 30
            stored["late"] = LATE
            outcome.recovery_s = round(time.monotonic() - began, 2)
            assert client.delete("full", ["late"]).deleted == 1
            del stored["late"]
            _compare(client, stored, outcome)
    finally:
        server.stop()
    outcome.check()
    assert set(outcome.failed_writes) == {"RESOURCE_EXHAUSTED"}


def _fill(client: Client, outcome: Outcome) -> dict[str, str]:
    """Writes until there is no room; what was stored, as the server says it too."""
    stored: dict[str, str] = {}
    for number, text in enumerate(islice(sentences(31), 2000)):
        name = f"{'sentence' if number % 3 else 'filler'}-{number}"
        if not _put(client, outcome, name, {} if number % 3 else FILLER, text):
            break
        stored[name] = text
    assert len(stored) > 20 and outcome.failed_writes
    _compare(client, stored, outcome)
    assert client.health() == "SERVING"
    return stored


def _put(client: Client, outcome: Outcome, name: str, metadata: dict[str, str], text: str = LATE) -> bool:
    """Writes an item; False where there is no room for it."""
    (status,) = client.batch_ingest("full", [Item(id=name, texts=[text], metadata=metadata)])
    if status.error is not None:
        assert isinstance(status.error, errors.DiskFull)
        assert status.error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        failed = outcome.failed_writes
        failed["RESOURCE_EXHAUSTED"] = failed.get("RESOURCE_EXHAUSTED", 0) + 1
    outcome.writes += status.ok
    return status.ok


def _compare(client: Client, stored: dict[str, str], outcome: Outcome) -> None:
    listed = {item.id: item.texts for page in client.list_items("full", page_size=50) for item in page}
    outcome.lost += sum(listed.get(item) != (text,) for item, text in stored.items())
    for item, text in list(stored.items())[::20]:
        outcome.searches += 1
        outcome.wrong += search(client, "full", text).hits[0].id != item
