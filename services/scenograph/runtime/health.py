"""Truthful health: NOT_SERVING until the server is said to be ready, and again before it drains."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio

HEALTH_SERVICE: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class _Servicer(aio.HealthServicer):
    """gRPC's own, whose watchers can be let go: they stay for good otherwise, and a drain waits for them."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:  # noqa: N802
        watching = asyncio.ensure_future(super().Watch(request, context))
        ended = asyncio.ensure_future(self.ended.wait())
        try:
            await asyncio.wait((watching, ended), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                await watching
        finally:
            watching.cancel()
            ended.cancel()
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the server ends")


class Health:
    """grpc.health.v1 for the named services and for the server as a whole (the empty name)."""

    def __init__(self, services: Iterable[str]) -> None:
        self._names = ("", *services)
        self._servicer = _Servicer()

    async def attach(self, server: grpc.aio.Server) -> None:
        """Adds the health service to a server that has not started; all are NOT_SERVING."""
        await self._set(NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def serving(self) -> None:
        """From now on all are SERVING."""
        await self._set(SERVING)

    async def tell(self, names: Iterable[str], serving: bool) -> None:
        """Says of some services, as far as there are such here, and of the server, whether they serve."""
        for name in {"", *names}.intersection(self._names):
            await self._servicer.set(name, SERVING if serving else NOT_SERVING)

    async def draining(self) -> None:
        """From now on all are NOT_SERVING, for good."""
        await self._servicer.enter_graceful_shutdown()

    def let_go(self) -> None:
        """Ends the calls of those that watch; they know by now."""
        self._servicer.ended.set()

    async def _set(self, status: int) -> None:
        for name in self._names:
            await self._servicer.set(name, status)
