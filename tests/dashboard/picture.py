"""The picture of the Grafana dashboard in the guide: a server under some minutes of load, read by Prometheus.

    cd tests/dashboard && npm ci --ignore-scripts
    python -m tests.dashboard.picture docs/pictures/dashboard.png

Needs Prometheus, Node and Chromium. The load is mild but for a few seconds, in which more images come than
the server has room for, and for searches that have too little time. `--folder` keeps the server's data and
Prometheus' series, and `draw.mjs` draws them again.
"""

from __future__ import annotations

import argparse
import json
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml

from scenograph.cli.demo_photos import items
from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client
from tests.support import ROOT

CONFIGS = ROOT / "deploy/ghz"
PROMETHEUS = ROOT / "deploy/prometheus"
DRAW = ROOT / "tests/dashboard/draw.mjs"
SCRAPE_S = 5
SETTINGS = {
    "SCENOGRAPH_METRICS_ADDRESS": "127.0.0.1:0",
    "SCENOGRAPH_SESSIONS_MAX_QUEUE": "16",  # so that a small machine can fill it
}


class Load(NamedTuple):
    """A config of deploy/ghz, when it begins, and how much of it there is."""

    after_s: int
    config: str
    rps: int
    seconds: int
    timeout: str = "20s"


LOADS = (
    Load(0, "search-text", 4, 330),
    Load(15, "search-text-cold", 1, 280),
    Load(30, "search-image", 1, 50),
    Load(50, "ingest", 1, 20),
    Load(90, "search-explained", 1, 50),
    Load(110, "batch-ingest", 1, 40),
    Load(150, "rank", 1, 40),
    Load(190, "encode-images", 30, 12),  # more than there is room for
    Load(240, "search-text-cold", 2, 30, "60ms"),  # too little time
)


@contextmanager
def prometheus(target: str, folder: Path) -> Iterator[str]:
    """Prometheus with the repository's configuration, reading one server often; gives its address."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"}
    config["rule_files"] = [str(PROMETHEUS / name) for name in config["rule_files"]]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={folder / 'series'}", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/-/ready", process)
        yield address
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the address answers. Errors: RuntimeError where the process has ended."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the process of {url} has ended")


def begin(load: Load, address: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start one load, which ends by itself."""
    config = json.loads((CONFIGS / f"{load.config}.json").read_text())
    config |= {"timeout": load.timeout, "protoset": str(CONFIGS / config["protoset"])}
    file = folder / f"{load.config}-{load.after_s}.json"
    file.write_text(json.dumps(config))
    command = [
        sys.executable,
        "-m",
        "scenograph.cli",
        "bench",
        "load",
        "--config",
        str(file),
        "--host",
        address,
    ]
    command += ["--rps", str(load.rps), "--duration", f"{load.seconds}s"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def put_load(address: str, folder: Path) -> None:
    """All loads, each at its time; returns when the last has ended."""
    began = time.monotonic()
    running = []
    try:
        for load in LOADS:
            time.sleep(max(0.0, began + load.after_s - time.monotonic()))
            print(f"{load.after_s:4d} s  {load.config}, {load.rps} a second for {load.seconds} s", flush=True)
            running.append(begin(load, address, folder))
        if any(process.wait() for process in running):
            raise RuntimeError("a load has failed")
    finally:
        for process in running:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("picture", type=Path)
    parser.add_argument("--folder", type=Path, help="an empty folder that is kept")
    chosen = parser.parse_args()
    with ExitStack() as running:
        folder = chosen.folder or Path(running.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        server = ServerProcess(folder, settings=SETTINGS)
        address = running.enter_context(server)
        source = running.enter_context(prometheus(server.metrics_address, folder))
        from_ms = int(time.time() * 1000)
        with Client(address) as client:
            for name in ("photos", "load"):
                client.create_collection(name)
            assert all(status.ok for status in client.ingest("photos", items()))
        put_load(address, folder)
        time.sleep(2 * SCRAPE_S)
        draw = [
            "node",
            str(ROOT / "tests/dashboard/draw.mjs"),
            "--prometheus",
            source,
            "--scrape",
            str(SCRAPE_S),
        ]
        draw += ["--from", str(from_ms), "--to", str(int(time.time() * 1000)), "--out", str(chosen.picture)]
        print(shlex.join(draw), flush=True)
        subprocess.run(draw, check=True)


if __name__ == "__main__":
    main()
