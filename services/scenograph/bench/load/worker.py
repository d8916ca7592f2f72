"""One process of a load: it connects, says so, calls when told to, and hands in what it measured."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

import grpc

from scenograph.bench.load.calling import Calls
from scenograph.bench.load.channels import open_channel
from scenograph.bench.load.config import LoadConfig
from scenograph.bench.load.method import find_method
from scenograph.bench.load.pacing import Pace

PROGRESS_S = 0.25
"""How often the process says how many calls have ended."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one process does: the `place`-th of `of`, with so many connections. `files`: the descriptors."""

    config: LoadConfig
    files: bytes
    place: int
    of: int
    connections: int


def run_worker(share: Share, pipe: Connection) -> None:
    """The process: sends ("ready", None) or ("failed", why), takes the time to begin, sends ("progress", n)
    now and then and ("done", Tally) at the end. What it is sent meanwhile, or the pipe's end, ends the load.
    """
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the parent tells when to end
    try:
        asyncio.run(_work(share, pipe))
    except Exception as error:
        pipe.send(("failed", f"{type(error).__name__}: {error}"))
        raise


async def _work(share: Share, pipe: Connection) -> None:
    config = share.config
    channels: list[grpc.aio.Channel] = [
        open_channel(config, grpc.aio.insecure_channel, grpc.aio.secure_channel)
        for _ in range(share.connections)
    ]
    try:
        try:
            ready = asyncio.gather(*(channel.channel_ready() for channel in channels))
            await asyncio.wait_for(ready, config.seconds("connect-timeout") or None)
        except TimeoutError:
            pipe.send(("failed", f"no connection to {config.host}"))
            return
        calls = Calls(config, find_method(config.call, share.files), channels)
        pipe.send(("ready", None))
        try:
            start_ns: int = await asyncio.to_thread(pipe.recv)
        except EOFError:
            return
        await _load(config, Pace(config, share.place, share.of, calls, start_ns), calls, start_ns, pipe)
        pipe.send(("done", calls.tally))
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))


async def _load(config: LoadConfig, pace: Pace, calls: Calls, start_ns: int, pipe: Connection) -> None:
    """Run until all calls are made, time is up, or the pipe says so."""
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(pace.run())
    telling = asyncio.create_task(_tell(calls, pipe))

    def end(how: Literal["close", "wait", "ignore"]) -> None:
        pace.stop()
        if how != "wait":
            calls.cancelled_count = how == "close"
            running.cancel()

    def told() -> None:
        loop.remove_reader(pipe.fileno())
        end("ignore")

    loop.add_reader(pipe.fileno(), told)
    for seconds, how in (
        (config.seconds("duration"), config.duration_stop),
        (config.seconds("max-duration"), "close"),
    ):
        if seconds:
            loop.call_later(start_ns / 1e9 + seconds - time.monotonic(), end, how)
    await asyncio.wait([running])
    telling.cancel()
    loop.remove_reader(pipe.fileno())
    if not running.cancelled():
        running.result()


async def _tell(calls: Calls, pipe: Connection) -> None:
    while True:
        await asyncio.sleep(PROGRESS_S)
        pipe.send(("progress", len(calls.tally.done)))
