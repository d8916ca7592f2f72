"""The wall clock jumps a day ahead and a day back while a server runs; the monotonic one goes on."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scenograph.client import Client, Item, errors
from scenograph.packs import Pack
from tests.e2e.photos import CAT
from tests.faults.load import FIXED, Fixed, Load, connected, search
from tests.faults.servers import Restartable

DAY_S = 86_400


@dataclass(frozen=True)
class Clocked:
    """A server whose wall clock is ours."""

    server: Restartable
    offset: Path

    def jump(self, seconds: int) -> None:
        """Sets the clock so far off, and waits until the server goes by it."""
        with self.offset.open("r+b") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))
        with connected(self.server.address) as client:
            end = time.monotonic() + 30
            while abs(_now(client) - time.time() - seconds) > DAY_S / 4:
                assert time.monotonic() < end, "the server's clock does not jump"


def _now(client: Client) -> float:
    list(client.ingest("clock", [Item(id="now", texts=["a clock"])]))
    return client.get("clock", "now").update_time.timestamp()


@pytest.fixture
def clocked(default_pack: Pack, tmp_path: Path) -> Iterator[Clocked]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to make the wall clock ours with")
    shim, offset = tmp_path / "clock.so", tmp_path / "offset"
    source = Path(__file__).with_name("clock_shim.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(shim), str(source), "-ldl"], check=True)
    offset.write_bytes(bytes(8))
    settings = {"LD_PRELOAD": str(shim), "CLOCK_OFFSET": str(offset)}
    server = Restartable(tmp_path / "server", settings=settings)
    try:
        server.start()
        yield Clocked(server, offset)
    finally:
        server.stop()


def test_the_wall_clock_jumps(clocked: Clocked) -> None:
    address = clocked.server.address
    fixed = Fixed(address)
    with connected(address) as client:
        client.create_collection("clock")
        request = {"text": "a horse", "returning": "text", "limit": 2}
        token = client.search(FIXED, **request).next_page_token  # type: ignore[arg-type]
        second = client.search(FIXED, page_token=token, **request)  # type: ignore[arg-type]
        with Load(address, fixed, "the wall clock jumps a day ahead, then two days back") as load:
            load.more(writes=10, searches=10)
            with load.failing():
                for seconds in (DAY_S, -DAY_S):
                    clocked.jump(seconds)
                    load.more(writes=10, searches=20)
                    again = client.search(FIXED, page_token=token, **request)  # type: ignore[arg-type]
                    assert again.hits == second.hits
                    _deadlines_hold(client)
                clocked.jump(0)
            load.more(writes=10, searches=20)
        outcome = load.finish()
        assert not outcome.failed_writes and not outcome.failed_searches, load.messages
        (status,) = client.ingest("clock", [Item(id="cat", image=CAT)])
        assert status.ok


def _deadlines_hold(client: Client) -> None:
    """A call gets the time that it asked for: too little is over at once, enough is not."""
    with pytest.raises(errors.DeadlineExceeded):
        client.search(FIXED, text="a bird on a wire", limit=1, timeout=0.0001)
    assert search(client, FIXED, "a cow behind a fence").hits
