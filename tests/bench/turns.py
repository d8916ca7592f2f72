"""Servers that differ in their settings, asked the same in turns: what each setting costs a call."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client
from tests.e2e.photos import ITEMS

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
WARM_UP = 50


@dataclass(frozen=True)
class Kind:
    """Environment variables of a server, and the credentials of its caller."""

    settings: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    token: Callable[[], str] | None = None


def processor_s(process: ServerProcess) -> float:
    """Seconds of processor time that a server has used."""
    assert process.process is not None
    fields = Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


class Turns:
    """A server of each kind, the sample photographs in `photos`; the others are compared to the first."""

    def __init__(self, folder: Path, kinds: Mapping[str, Kind], running: ExitStack) -> None:
        self._names = list(kinds)
        self._clients: list[Client] = []
        self._servers: list[ServerProcess] = []
        for name, kind in kinds.items():
            own = folder / name.replace(" ", "-")
            own.mkdir()
            server = ServerProcess(own, settings={"SCENOGRAPH_LOG_LEVEL": "WARNING", **kind.settings})
            address = running.enter_context(server)
            client = running.enter_context(Client(address, key=kind.key, token=kind.token))
            client.create_collection("photos")
            assert all(status.ok for status in client.ingest("photos", ITEMS))
            self._clients.append(client)
            self._servers.append(server)

    def table(self, ask: Callable[[Client], object], rounds: int) -> str:
        """Markdown: milliseconds at the client, and processor time of the server for each call."""
        for _ in range(WARM_UP):
            for client in self._clients:
                ask(client)
        before = [processor_s(server) for server in self._servers]
        took = np.zeros((rounds, len(self._clients)))
        for row in range(rounds):
            for place in np.roll(np.arange(len(self._clients)), row):
                began = time.perf_counter()
                ask(self._clients[place])
                took[row, place] = time.perf_counter() - began
        used = [processor_s(server) - start for server, start in zip(self._servers, before, strict=True)]
        lines = ["| server | median | ratio | processor time a call | ratio |", "|---|---|---|---|---|"]
        median = np.median(took, axis=0) * 1e3
        for name, middle, seconds in zip(self._names, median, used, strict=True):
            each = seconds / rounds * 1e3
            ratios = middle / median[0], seconds / max(used[0], TICK_S)
            lines.append(f"| {name} | {middle:.2f} ms | {ratios[0]:.3f} | {each:.2f} ms | {ratios[1]:.3f} |")
        return "\n".join(lines)
