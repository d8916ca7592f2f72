"""A real Milvus server for tests: the one that the PyPI package `milvus` carries.

The package needs older libraries than ours: its own environment is made once, in the user's cache folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import platformdirs

from tests.redis_process import free_port

PACKAGES = ("milvus==2.3.5", "numpy<2", "setuptools<80", "marshmallow<4")
TICK_MS = 50  # how long a strong read waits at most; Milvus' default is 200
READY_S = 120.0
UNHURRIED_S = 60.0  # what one call may take where it is not the point: machines of tests are busy
_SETTINGS = {
    "proxy.timeTickInterval": TICK_MS,
    "log.level": "warn",
    "queryCoord.checkInterval": 100,  # a new collection is ready ten times sooner
    "queryCoord.distPullInterval": 100,
    "common.session.ttl": 5,  # so that a server killed and started again soon finds its collections
}
_PORTS = (
    *("proxy", "proxy_internal", "etcd", "root_coord", "query_coord", "query_node"),
    *("index_coord", "index_node", "data_coord", "data_node"),
)
_UNPACK = "import sys, milvus; milvus._initialize_data_files(sys.argv[1])"
_CONFIGURE = """
import json, sys, milvus
folder, settings = sys.argv[1], json.loads(sys.argv[2])
ports = {name: value for name, value in settings.items() if name.endswith("_port")}
config = milvus.MilvusServerConfig(data_dir=folder, **ports)
for name, value in settings.items():
    if name not in ports:
        config.set(name, value)
config.resolve()
"""


class NotInstallable(Exception):
    """The server cannot be installed here."""


def environment() -> Path:
    """The folder with the environment in `venv` and the server in `bin`, made where it is missing.

    Errors: NotInstallable.
    """
    home = platformdirs.user_cache_path("scenograph-tests") / "milvus-2.3.5"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "done").exists():
            python = home / "venv" / "bin" / "python"
            try:
                _run(sys.executable, "-m", "venv", "--clear", str(home / "venv"))
                _run(str(python), "-m", "pip", "install", "--quiet", *PACKAGES)
                _run(str(python), "-c", _UNPACK, str(home))
            except (OSError, subprocess.CalledProcessError) as error:
                said = getattr(error, "stderr", "") or str(error)
                raise NotInstallable(f"cannot install {PACKAGES[0]}: {said[-500:]}") from error
            (home / "done").touch()
    return home


class MilvusProcess:
    """One server with its data in a folder of its own; to be killed, suspended, and started again."""

    def __init__(self, settings: Mapping[str, str | int] | None = None) -> None:
        self._home = environment()
        self._folder = tempfile.TemporaryDirectory(prefix="milvus-")
        self._ports = {f"{name}_port": free_port() for name in _PORTS}
        self._http = free_port()
        self._settings = {**_SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._configure()

    @property
    def url(self) -> str:
        return f"milvus://127.0.0.1:{self._ports['proxy_port']}"

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._ports['proxy_port']}"

    def start(self) -> None:
        """Returns when the server says that it is healthy."""
        folder = Path(self._folder.name)
        binary = self._home / "bin" / "milvus"
        variables = {
            "DEPLOY_MODE": "STANDALONE",
            "METRICS_PORT": str(self._http),
            "MILVUS_RUN_DIR": str(folder / "run"),
            "LD_LIBRARY_PATH": str(self._home / "bin"),
        }
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(binary), "run", "standalone"],
                cwd=folder,
                env={**os.environ, **variables},
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + READY_S
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"Milvus did not start: {(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Ends the server at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def suspend(self) -> None:
        """Stops it from answering, its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()

    def _configure(self) -> None:
        """Writes the configuration, with a peer port for etcd that other servers do not have too."""
        folder = Path(self._folder.name)
        python = str(self._home / "venv" / "bin" / "python")
        settings = json.dumps({**self._ports, **self._settings})
        _run(python, "-c", _CONFIGURE, str(folder), settings)
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._ports["etcd_port"], free_port()))
        etcd = {
            "name": "default",
            "data-dir": str(folder / "data" / "etcd.data"),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
        }
        (folder / "etcd.yaml").write_text(json.dumps(etcd))  # JSON is YAML
        config = folder / "configs" / "milvus.yaml"
        said = config.read_text()
        config.write_text(said.replace("etcd:\n", f"etcd:\n  config:\n    path: {folder}/etcd.yaml\n", 1))

    def _healthy(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self._http}/healthz") as answer:
            return bool(b"OK" in answer.read())
        return False


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
