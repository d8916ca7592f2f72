"""`scenograph serve --processes N`: N processes on one port, one for the index, and this one to watch them.

The workers run everything but the index, which has one writer: they reach it over a socket in a folder of its
own. The kernel spreads connections over those that listen (SO_REUSEPORT). A process that dies is started
again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenograph.runtime.security.keys import new_key
from scenograph.runtime.server import UNIX
from scenograph.runtime.settings import PREFIX, Settings
from scenograph.scene.errors import FailedPrecondition, InvalidInput

log = logging.getLogger(__name__)

BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0
STEADY_S = 60.0
"""A process that ran for so long begins anew with the shortest backoff."""


@dataclass(slots=True, eq=False)
class Child:
    """One of the processes. `ready`: what it said when it last came up."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    process: Process | None = None
    ready: dict[str, Any] = field(default_factory=dict)


class Supervisor:
    """Starts the processes, keeps them running, and ends them in order: workers first, then the index.

    `options` are the command line's, passed on to each.
    """

    def __init__(self, settings: Settings, service: str, options: Sequence[str]) -> None:
        if service == "index":
            raise InvalidInput("an index folder belongs to one process", field="processes")
        self._settings = settings
        self._service = service
        self._options = options
        self._ending = asyncio.Event()
        self._children: list[Child] = []
        # Nothing is ever written: the children see its end when this process is gone.
        self._watched, self._held = os.pipe()

    async def run(self) -> int:
        """Serves until SIGTERM or SIGINT; the exit code. A second signal ends all at once.

        Errors: FailedPrecondition (the port is in use).
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)
        host, port = self._settings.host, self._settings.port
        with tempfile.TemporaryDirectory(prefix="scenograph-") as folder, reserved(host, port) as port:
            index, workers = self._make(Path(folder), port)
            self._children = [*index, *workers]
            try:
                for batch in (index, workers):
                    if not all(await asyncio.gather(*map(self._start, batch))):
                        return 128 + signal.SIGTERM if self._ending.is_set() else 1
                self._tell(workers[0].ready)
                keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
                await self._ending.wait()
                for keeper in keepers:
                    keeper.cancel()
                await asyncio.gather(*keepers, return_exceptions=True)
                return 0
            finally:
                for batch in (workers, index):
                    await self._end(batch)

    def _signalled(self, number: int) -> None:
        if self._ending.is_set():
            for child in self._children:
                _send(child, number)
        self._ending.set()

    def _make(self, folder: Path, port: int) -> tuple[list[Child], list[Child]]:
        """The index, where there is to be one, and the workers."""
        index: list[Child] = []
        common = {f"{PREFIX}PROCESSES": "1", **self._shared_key()}
        if self._service in ("", "gateway") and not self._settings.gateway.index_address:
            address = f"{UNIX}{folder / 'index'}"
            arguments = ["index", *self._options, "--host", address]
            index.append(Child("index", arguments, common | self._metrics(0) | self._audit("index")))
            common = common | {f"{PREFIX}GATEWAY_INDEX_ADDRESS": address}
        arguments = [*filter(None, [self._service]), *self._options, "--port", str(port)]
        workers = [
            Child(
                f"worker {place}", arguments, common | self._metrics(place) | self._audit(f"worker-{place}")
            )
            for place in range(1, self._settings.processes + 1)
        ]
        return index, workers

    def _metrics(self, place: int) -> dict[str, str]:
        """The index serves its metrics at the port of the settings, the workers at those that follow."""
        host, _, port = self._settings.metrics.address.rpartition(":")
        if not host or not port.isdecimal() or port == "0":
            return {}
        return {f"{PREFIX}METRICS_ADDRESS": f"{host}:{int(port) + place}"}

    def _shared_key(self) -> dict[str, str]:
        """What the processes know one another by, where callers are asked who they are and nothing is set."""
        chosen = self._settings.security
        asks = chosen.principals or chosen.jwt_jwks
        if not asks or chosen.service_key.get_secret_value() or chosen.service_key_file:
            return {}
        return {f"{PREFIX}SECURITY_SERVICE_KEY": new_key()}

    def _audit(self, name: str) -> dict[str, str]:
        """Each process has an audit log of its own: `audit.jsonl` is `audit-worker-1.jsonl` for the first."""
        if not self._settings.audit.file:
            return {}
        file = Path(self._settings.audit.file)
        return {f"{PREFIX}AUDIT_FILE": str(file.with_stem(f"{file.stem}-{name}"))}

    async def _start(self, child: Child) -> bool:
        """Whether the child came up; what kept it from that is in its log."""
        command = [sys.executable, "-m", "scenograph.cli", "serve", *child.arguments]
        child.process = await asyncio.create_subprocess_exec(
            *command,
            "--supervised",
            str(self._watched),
            stdout=PIPE,
            env={**os.environ, **child.environment},
            pass_fds=[self._watched],
            start_new_session=True,  # Ctrl-C in a terminal is for this process alone
        )
        assert child.process.stdout is not None
        ending = asyncio.create_task(self._ending.wait())
        line = asyncio.create_task(child.process.stdout.readline())
        await asyncio.wait((ending, line), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not line.done() or not line.result():
            line.cancel()
            return False
        child.ready = json.loads(line.result())
        return True

    async def _keep(self, child: Child) -> None:
        """Starts the child again whenever it ends; sooner where it ran for long."""
        backoff_s = BACKOFF_S
        while True:
            since = time.monotonic()
            assert child.process is not None
            code = await child.process.wait()
            if time.monotonic() - since > STEADY_S:
                backoff_s = BACKOFF_S
            log.error("%s ended with code %s; starting it again in %.1f s", child.name, code, backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, LONGEST_BACKOFF_S)
            if await self._start(child):
                log.info("%s is back, process %d", child.name, child.process.pid)

    async def _end(self, children: Sequence[Child]) -> None:
        for child in children:
            _send(child, signal.SIGTERM)
        await asyncio.gather(*(child.process.wait() for child in children if child.process is not None))

    def _tell(self, ready: Mapping[str, Any]) -> None:
        """The line of a worker, with all processes in it."""
        parts = [
            {"name": child.name, "pid": child.process.pid, **_about(child.ready)}
            for child in self._children
            if child.process is not None
        ]
        line = {key: ready[key] for key in ("address", "services", "pack")} | {"processes": parts}
        print(json.dumps(line), flush=True)
        log.info("%d processes serve at %s", self._settings.processes, ready["address"])


def _about(ready: Mapping[str, Any]) -> dict[str, Any]:
    return {key: ready[key] for key in ("services", "metrics") if key in ready}


def _send(child: Child, number: int) -> None:
    if child.process is not None and child.process.returncode is None:
        with suppress(ProcessLookupError):
            child.process.send_signal(number)


@contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """Holds a port for processes that share it, and for nobody else; gives its number (of any for 0).

    The port is taken alone, so that another server there is found out, and opened to sharing afterwards. A
    socket that does not listen gets no connections.  Errors: FailedPrecondition.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(address)
        except OSError as error:
            raise FailedPrecondition(f"cannot listen on {host}:{port}; is the port in use?") from error
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        yield int(holder.getsockname()[1])
