"""Servers that come back at the address they had, and the deployments that faults are injected into."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scenograph.cli.server_process import ServerProcess
from tests.redis_process import free_port


class Restartable(ServerProcess):
    """A server on one port for all its lives; to be killed, stopped from running, resumed, started again."""

    def __init__(self, folder: Path, service: str = "", settings: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, service, settings)
        self.command[self.command.index("--port") + 1] = str(free_port())
        self.data = folder / "data"

    def send(self, number: signal.Signals) -> None:
        """Sends the process a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def suspend(self) -> None:
        """Stops it from running; its connections stay open."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        super().kill()
        assert self.process is not None and self.process.stdout is not None
        self.process.stdout.close()

    def wait(self, seconds: float = 60.0) -> int:
        """Its exit code, once it has ended by itself."""
        assert self.process is not None
        return self.process.wait(seconds)


class Apart:
    """Two encoders behind one target, matching and index in processes of their own, and a gateway with the
    rest.
    """

    def __init__(self, folder: Path) -> None:
        names = {"encoder-1": "encoder", "encoder-2": "encoder", "matching": "matching", "index": "index"}
        self.services = {name: Restartable(folder / name, kind) for name, kind in names.items()}
        self._folder = folder

    def start(self) -> None:
        """Returns when all serve."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(ServerProcess.start, self.services.values()))
        addresses = {name: server.address for name, server in self.services.items()}
        encoders = f"ipv4:{addresses['encoder-1']},{addresses['encoder-2']}"
        self.gateway = Restartable(
            self._folder / "gateway",
            "",
            {
                "SCENOGRAPH_GATEWAY_ENCODER_ADDRESS": encoders,
                "SCENOGRAPH_GATEWAY_MATCHING_ADDRESS": addresses["matching"],
                "SCENOGRAPH_GATEWAY_INDEX_ADDRESS": addresses["index"],
            },
        )
        self.gateway.start()

    def stop(self) -> None:
        servers = [*([self.gateway] if hasattr(self, "gateway") else []), *self.services.values()]
        with ThreadPoolExecutor() as pool:
            list(pool.map(ServerProcess.stop, servers))
