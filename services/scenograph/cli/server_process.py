"""A server of one's own: `scenograph serve` as a child process, for commands that need one for a while."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

START_SECONDS = 180.0
STOP_SECONDS = 20.0
_PLAIN = {f"SCENOGRAPH_TLS_{name}": "" for name in ("CERTIFICATE", "KEY", "CLIENT_CA", "CA", "SERVER_NAME")}
_PLAIN["SCENOGRAPH_METRICS_TLS"] = "false"


class ServerProcess:
    """All services, or one, in a child process on a free port of this machine; entering gives the address.

    Data are in `folder`/data, the log in `folder`/server.log. `settings` are environment variables; what the
    environment says of certificates is for other servers, and this one is without encryption.
    `ready` is what the server said when it served.
    Errors on entering: ValueError with the end of the log where the server did not come up.
    """

    def __init__(self, folder: Path, service: str = "", settings: Mapping[str, str] | None = None) -> None:
        self.command = [sys.executable, "-m", "scenograph.cli", "serve", *([service] if service else [])]
        self.command += ["--host", "127.0.0.1", "--port", "0", "--data", str(folder / "data")]
        self._environment = {**os.environ, **_PLAIN, **(settings or {})}
        self.log = folder / "server.log"
        self.address = self.metrics_address = ""
        self.ready: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> str:
        self.start()
        return self.address

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Return when the server serves."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self._environment, stdout=subprocess.PIPE, stderr=log
            )
        late = threading.Timer(START_SECONDS, self.process.kill)
        late.start()
        try:
            assert self.process.stdout is not None
            line = self.process.stdout.readline()  # printed when ready; empty where the process ended
        except BaseException:
            self.stop()
            raise
        finally:
            late.cancel()
        if not line:
            self.stop()
            lines = self.log.read_text(errors="replace").strip().splitlines()
            raise ValueError("the server did not start: " + "\n".join(lines[-5:]))
        self.ready = json.loads(line)
        self.address, self.metrics_address = self.ready["address"], self.ready.get("metrics", "")

    def stop(self) -> None:
        """End the server: in good order, or by force after a while."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def kill(self) -> None:
        """End the server at once, as a power cut would (SIGKILL)."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
