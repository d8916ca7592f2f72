"""Metrics over HTTP, for Prometheus to read."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, start_http_server

from scenograph.scene.errors import FailedPrecondition, InvalidInput


class Exposition:
    """Serves a registry at every path of host:port, in threads of its own, until closed.

    Errors: InvalidInput (no host:port), FailedPrecondition (the port cannot be had).
    """

    def __init__(self, registry: CollectorRegistry, address: str) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise InvalidInput(f"takes host:port, not {address!r}", field="metrics.address")
        try:
            self._server, self._thread = start_http_server(int(port), host.strip("[]"), registry)
        except (OSError, OverflowError) as error:
            message = f"cannot serve metrics at {address}; is the port in use?"
            raise FailedPrecondition(message) from error
        self.address = f"{host}:{self._server.server_port}"

    def close(self) -> None:
        """Ends it (blocking)."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
