"""Truthful health: NOT_SERVING until the server is said to be ready, and again before it drains."""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio

HEALTH_SERVICE: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health:
    """grpc.health.v1 for the named services and for the server as a whole (the empty name)."""

    def __init__(self, services: Iterable[str]) -> None:
        self._names = ("", *services)
        self._servicer = aio.HealthServicer()

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

    async def _set(self, status: int) -> None:
        for name in self._names:
            await self._servicer.set(name, status)
