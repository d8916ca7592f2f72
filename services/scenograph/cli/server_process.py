"""A server of one's own: `scenograph serve` as a child process, for commands that need one for a while."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from scenograph.client import Client
from scenograph.client.errors import Unavailable

START_SECONDS = 120.0


class ServerProcess:
    """All services in a child process on a free port, their data in `folder`. Entering gives the address."""

    def __init__(self, folder: Path, *, packs: Path | None = None) -> None:
        self._folder = folder
        self._environment = dict(os.environ)
        if packs is not None:
            self._environment["SCENOGRAPH_PACKS"] = str(packs)
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "server.log"

    def __enter__(self) -> str:
        port = _free_port()
        command = [
            sys.executable,
            "-m",
            "scenograph.cli",
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--data", str(self._folder / "data")],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        address = f"127.0.0.1:{port}"
        try:
            self._wait(address)
        except BaseException:
            self.stop()
            raise
        return address

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server: in good order, or by force after a while."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self, address: str) -> None:
        """Return when the server serves. Errors: ValueError with its log's end where it died."""
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        with Client(address) as client:
            while True:
                if self._process.poll() is not None:
                    lines = self.log.read_text(errors="replace").strip().splitlines()
                    raise ValueError("the server did not start: " + "\n".join(lines[-5:]))
                try:
                    client.wait_until_ready(timeout=1.0)
                    return
                except Unavailable:
                    if time.monotonic() > deadline:
                        raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
