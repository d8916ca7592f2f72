"""A load as a whole: the processes, their common start, and their end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

import grpc

from scenograph.bench.load.channels import check_target, open_channel
from scenograph.bench.load.config import LoadConfig
from scenograph.bench.load.method import find_method, from_proto, from_protoset, from_server
from scenograph.bench.load.payloads import Payloads
from scenograph.bench.load.samples import Samples, Tally, gathered
from scenograph.bench.load.worker import Share, run_worker
from scenograph.scene.errors import Internal, Unavailable

LEAD_S = 0.05
"""Between the word to begin and the beginning, so that all processes have it by then."""
POLL_S = 0.1
"""How often it is asked whether to end."""
END_S = 30.0
"""How long a process may take to hand in what it measured, once it was told to end."""

EndReason = Literal["normal", "cancel", "timeout"]


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """A load that has ended. `seconds` from its beginning to its last answer; `start_ns`: the beginning, by
    the monotonic clock.
    """

    config: LoadConfig
    samples: Samples
    seconds: float
    date: datetime
    end_reason: EndReason
    workers: int
    connections: int
    start_ns: int = 0


def descriptors(config: LoadConfig) -> bytes:
    """The descriptors of what a config calls.  Errors: InvalidInput, Unavailable, OSError."""
    if config.proto:
        return from_proto(Path(config.proto), config.import_paths)
    if config.protoset:
        return from_protoset(Path(config.protoset))
    with open_channel(config, grpc.insecure_channel, grpc.secure_channel) as channel:
        timeout_s = config.seconds("connect-timeout") or 10.0
        return from_server(channel, config.call, config.reflect_metadata, timeout_s)


def run_load(
    config: LoadConfig,
    *,
    workers: int = 1,
    allow_remote: bool = False,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda done: None,
) -> Load:
    """Puts a load on a server, from `workers` processes; `progress` is told how many calls have ended.

    It ends early once `stop` says so, with what was measured until then; calls under way are forgotten.
    Errors: InvalidInput (the config, or another machine without `allow_remote`), Unavailable, OSError.
    """
    check_target(config.host, allow_remote=allow_remote)
    files = descriptors(config)
    Payloads(find_method(config.call, files), config.data, config.metadata)  # what is wrong is told at once
    bounded = config.rates() is None or not config.is_async
    if bounded and config.concurrency_schedule == "const":
        workers = min(workers, config.concurrency)
    each = max(1, config.connections // workers)
    crew = _Crew([Share(config, files, place, workers, each) for place in range(workers)])
    try:
        crew.wait_ready()
        date = datetime.now(UTC)
        start_ns = crew.begin()
        cancelled = crew.wait(stop, progress)
        return _ended(config, crew, date, start_ns, cancelled=cancelled, connections=each * workers)
    finally:
        crew.close()


def _ended(
    config: LoadConfig, crew: _Crew, date: datetime, start_ns: int, *, cancelled: bool, connections: int
) -> Load:
    samples = gathered(list(crew.tallies.values()), start_ns)
    seconds = float(samples.done.max(initial=0)) / 1e9
    limit_s = config.seconds("duration") or config.seconds("max-duration")
    early = config.seconds("duration") > 0 or len(samples.done) < config.total
    reason: EndReason = "cancel" if cancelled else "timeout" if limit_s and early else "normal"
    return Load(
        config,
        samples.after(config.skip_first),
        seconds,
        date,
        reason,
        len(crew.tallies),
        connections,
        start_ns,
    )


class _Crew:
    """The processes and the pipes to them."""

    def __init__(self, shares: list[Share]) -> None:
        spawn = get_context("spawn")  # a process with gRPC in it must not fork
        self.tallies: dict[Connection, Tally] = {}
        self._pipes: dict[Connection, BaseProcess] = {}
        self._done: dict[Connection, int] = {}
        for share in shares:
            here, there = spawn.Pipe()
            process = spawn.Process(target=run_worker, args=(share, there), daemon=True)
            process.start()
            there.close()
            self._pipes[here] = process

    def wait_ready(self) -> None:
        """Errors: Unavailable where a process has no connection."""
        for pipe in self._pipes:
            self._receive(pipe)

    def begin(self) -> int:
        """The time at which the load begins, in nanoseconds of the monotonic clock."""
        start_ns = time.monotonic_ns() + round(LEAD_S * 1e9)
        for pipe in self._pipes:
            pipe.send(start_ns)
        return start_ns

    def wait(self, stop: Callable[[], bool], progress: Callable[[int], None]) -> bool:
        """Return when all processes have handed in; whether `stop` ended the load before.

        Processes that do not hand in within END_S of that are left out.
        """
        end_s = math.inf
        while waiting := [pipe for pipe in self._pipes if pipe not in self.tallies]:
            if math.isinf(end_s) and stop():
                end_s = time.monotonic() + END_S
                for pipe in waiting:
                    pipe.send("end")
            if time.monotonic() > end_s:
                break
            ready = connection.wait(waiting, POLL_S)
            for pipe in waiting:
                if pipe not in ready:
                    continue
                kind, value = self._receive(pipe)
                if kind == "done":
                    self.tallies[pipe] = value
                    value = len(value.done)
                self._done[pipe] = value
                progress(sum(self._done.values()))
        return not math.isinf(end_s)

    def close(self) -> None:
        """End all processes."""
        for pipe, process in self._pipes.items():
            pipe.close()
            if pipe not in self.tallies:
                process.terminate()
            process.join()
            process.close()

    def _receive(self, pipe: Connection) -> tuple[str, Any]:
        try:
            kind, value = pipe.recv()
        except EOFError as error:
            raise Internal("a process of the load died") from error
        if kind == "failed":
            raise Unavailable(value)
        return kind, value
