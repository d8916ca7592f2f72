"""One service on a real server at port 0, with the interceptors of production, and a channel to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc

from scenograph.runtime.server import Server, ServerOptions


@asynccontextmanager
async def serving_one(
    name: str, register: Callable[[grpc.aio.Server], None]
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server of the service `name`, whose handlers `register` adds."""
    server = Server([name], ServerOptions())
    await server.start()
    server.add(register)
    await server.ready()
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield channel
    finally:
        await server.stop()
