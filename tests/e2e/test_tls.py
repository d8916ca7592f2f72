"""Processes that talk over mTLS: a gateway, an encoder, an index; the gateway runs the rest itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from scenograph.cli.server_process import ServerProcess
from scenograph.client import TLS, Client, errors
from scenograph.packs import Pack
from tests.authority import Authority, Pair
from tests.e2e.conftest import PHOTOS
from tests.e2e.photos import ITEMS
from tests.support import ROOT

SERVICES = ("encoder", "index", "gateway")


@dataclass(frozen=True)
class Secured:
    """`user` is a caller's certificate, `own` those of the processes."""

    authority: Authority
    user: Pair
    own: dict[str, Pair]
    processes: dict[str, ServerProcess]

    @property
    def address(self) -> str:
        return self.processes["gateway"].address

    def tls(self, pair: Pair | None = None) -> TLS:
        own = pair or self.user
        return TLS(ca=self.authority.file, certificate=own.certificate, key=own.key)


@pytest.fixture(scope="module")
def secured(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder)
    own = {name: authority.issue(name) for name in SERVICES}
    processes: dict[str, ServerProcess] = {}
    for name in SERVICES:
        settings = {
            "SCENOGRAPH_TLS_CERTIFICATE": str(own[name].certificate),
            "SCENOGRAPH_TLS_KEY": str(own[name].key),
            "SCENOGRAPH_TLS_CLIENT_CA": str(authority.file),
            "SCENOGRAPH_TLS_CA": str(authority.file),
        }
        if name == "gateway":
            settings |= {
                f"SCENOGRAPH_GATEWAY_{other.upper()}_ADDRESS": processes[other].address
                for other in ("encoder", "index")
            }
        (folder / f"{name}-data").mkdir()
        processes[name] = ServerProcess(folder / f"{name}-data", name if name != "gateway" else "", settings)
        if name == "index":
            with ThreadPoolExecutor() as pool:
                list(pool.map(ServerProcess.start, processes.values()))
    try:
        processes["gateway"].start()
        yield Secured(authority, authority.issue("user"), own, processes)
    finally:
        with ThreadPoolExecutor() as pool:
            list(pool.map(ServerProcess.stop, processes.values()))


def test_a_search_goes_through_all_processes(secured: Secured) -> None:
    with Client(secured.address, tls=secured.tls()) as client:
        client.create_collection(PHOTOS)
        assert all(status.ok for status in client.ingest(PHOTOS, ITEMS[:6]))
        page = client.search(PHOTOS, text="a cat looking at the camera")
        assert page.hits[0].id == "chelsea" and not page.report.degraded
        assert client.health() == "SERVING"


def test_no_process_lets_strangers_in(secured: Secured, tmp_path: Path) -> None:
    forged = Authority(tmp_path, "foreign").issue("forged")
    nobody = TLS(ca=secured.authority.file)
    for process in secured.processes.values():
        for tls in (False, nobody, secured.tls(forged)):
            with Client(process.address, tls=tls, timeout=10) as client:
                with pytest.raises(errors.Unavailable):
                    client.health()
        with Client(process.address, tls=secured.tls()) as client:
            assert client.health() == "SERVING"


def test_the_command_line(secured: Secured) -> None:
    tls = secured.tls()
    command = [sys.executable, "-m", "scenograph.cli"]
    given = ["--tls-ca", str(tls.ca), "--tls-certificate", str(tls.certificate), "--tls-key", str(tls.key)]
    what = ["collections", "list", "--json", "--server", secured.address]
    done = subprocess.run([*command, *given, *what], capture_output=True, text=True, check=True)
    assert PHOTOS in [found["name"] for found in json.loads(done.stdout)]
    names = ("CA", "CERTIFICATE", "KEY")
    variables = {f"SCENOGRAPH_TLS_{name}": value for name, value in zip(names, given[1::2], strict=True)}
    again = subprocess.run([*command, *what], capture_output=True, text=True, env={**os.environ, **variables})
    assert again.stdout == done.stdout
    load = ["bench", "load", "--config", str(ROOT / "deploy/ghz/health.json"), "--json", "--total", "10"]
    load += ["--host", secured.address]
    loaded = subprocess.run([*command, *given, *load], capture_output=True, text=True, check=True)
    assert json.loads(loaded.stdout)["statusCodeDistribution"] == {"OK": 10}
    without = subprocess.run([*command, *what], capture_output=True, text=True)
    assert without.returncode == 1 and "cannot reach a scenograph server" in without.stderr


def test_new_certificates_everywhere_while_searches_go_on(secured: Secured) -> None:
    """No search fails, and each process shows its new certificate to whoever connects."""
    ended, counted = threading.Event(), [0] * 3

    def search(caller: int) -> None:
        while not ended.is_set():
            with Client(secured.address, tls=secured.tls()) as client:
                page = client.search(PHOTOS, text=f"a cat, number {counted[caller]} of {caller}")
                assert page.hits and not page.report.degraded
                counted[caller] += 1

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(search, caller) for caller in range(3)]
        try:
            for name, own in secured.own.items():
                new = secured.authority.issue(f"new-{name}")
                own.replace_by(new)
                with Client(secured.processes[name].address, tls=secured.tls()) as client:
                    assert client.health() == "SERVING"
                log = secured.processes[name].log
                assert f"read certificates again: serial {new.serial:X}" in log.read_text()
            began = list(counted)
            while any(now < before + 3 for now, before in zip(counted, began, strict=True)):
                assert not any(one.done() for one in running)
                ended.wait(0.05)
        finally:
            ended.set()
        for one in running:
            one.result()


def test_what_is_wrong_is_told_at_the_start(secured: Secured, tmp_path: Path) -> None:
    settings = {
        "SCENOGRAPH_TLS_CERTIFICATE": str(secured.user.certificate),
        "SCENOGRAPH_TLS_KEY": str(secured.own["index"].key),
    }
    process = ServerProcess(tmp_path, "index", settings)
    with pytest.raises(ValueError, match=r"tls\.key: .* is not the key of .*user\.pem"):
        process.start()


def test_several_processes_on_one_port(secured: Secured, tmp_path: Path) -> None:
    """Callers need certificates; the index, at a socket in a folder that is closed to others, needs none."""
    encoder = secured.processes["encoder"].address
    own, ca = secured.own["gateway"], str(secured.authority.file)
    settings = {
        "SCENOGRAPH_PROCESSES": "2",
        "SCENOGRAPH_TLS_CERTIFICATE": str(own.certificate),
        "SCENOGRAPH_TLS_KEY": str(own.key),
        "SCENOGRAPH_TLS_CLIENT_CA": ca,
        "SCENOGRAPH_TLS_CA": ca,
    } | {
        f"SCENOGRAPH_GATEWAY_{name.upper()}_ADDRESS": encoder
        for name in ("visual", "textual", "encoder", "hashing", "matching")
    }
    with ServerProcess(tmp_path, "gateway", settings) as address:
        with Client(address, tls=secured.tls()) as client:
            client.create_collection("shared")
            assert [found.name for found in client.list_collections()] == ["shared"]
        with Client(address) as stranger, pytest.raises(errors.Unavailable):
            stranger.list_collections(timeout=5)
