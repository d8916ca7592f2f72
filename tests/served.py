"""The split deployment for tests: every service in a real process of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scenograph.cli.server_process import ServerProcess


class Split:
    """The six services and a gateway that calls them. `settings` are the gateway's environment variables,
    `common` those of all; "{service}" in a value stands for the service's name.
    """

    SERVICES = ("visual", "textual", "encoder", "hashing", "matching", "index")

    def __init__(
        self, folder: Path, settings: dict[str, str] | None = None, common: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.common = dict(common or {})
        self.settings = dict(settings or {})
        self.services: dict[str, ServerProcess] = {}
        self.gateway = self._process("gateway")

    @property
    def address(self) -> str:
        """The gateway's."""
        return self.gateway.address

    def start(self) -> Split:
        """Returns when all of them serve."""
        try:
            self.services = {name: self._process(name) for name in self.SERVICES}
            with ThreadPoolExecutor(len(self.services)) as pool:
                list(pool.map(ServerProcess.start, self.services.values()))
            for name, process in self.services.items():
                self.settings[f"SCENOGRAPH_GATEWAY_{name.upper()}_ADDRESS"] = process.address
            self.gateway = self._process("gateway")
            self.gateway.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        processes = [self.gateway, *self.services.values()]
        with ThreadPoolExecutor(len(processes)) as pool:
            list(pool.map(ServerProcess.stop, processes))

    def _process(self, service: str) -> ServerProcess:
        folder = self.folder / service
        folder.mkdir(exist_ok=True)
        settings = {key: value.format(service=service) for key, value in self.common.items()}
        if service == "gateway":
            settings |= self.settings
        return ServerProcess(folder, service, settings)
