"""Metrics over HTTP or HTTPS, for Prometheus to read."""

from __future__ import annotations

import logging
import ssl
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server

from scenograph.runtime.certificates import CertificateFiles
from scenograph.scene.errors import FailedPrecondition, InvalidInput

log = logging.getLogger(__name__)


class Exposition:
    """Serves a registry at every path of host:port, in threads of its own, until closed.

    With `certificates` over HTTPS: each new connection gets the newest, and readers must show one where
    there are authorities.
    Errors: InvalidInput (no host:port), FailedPrecondition (the port cannot be had).
    """

    def __init__(
        self, registry: CollectorRegistry, address: str, certificates: CertificateFiles | None = None
    ) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise InvalidInput(f"takes host:port, not {address!r}", field="metrics.address")
        secured: dict[str, Any] = {}
        if certificates is not None:
            secured = {
                "certfile": certificates.certificate,
                "keyfile": certificates.key,
                "client_cafile": certificates.authorities or None,
                "client_auth_required": bool(certificates.authorities),
            }
        try:
            self._server, self._thread = start_http_server(int(port), host.strip("[]"), registry, **secured)
        except (OSError, OverflowError) as error:
            message = f"cannot serve metrics at {address}; is the port in use?"
            raise FailedPrecondition(message) from error
        if certificates is not None:
            self._follow(certificates)
        self.address = f"{host}:{self._server.server_port}"

    def _follow(self, certificates: CertificateFiles) -> None:
        """Has each handshake look for newer certificates, in the connection's own thread."""
        listener: Any = self._server.socket
        listener.do_handshake_on_connect = False  # else whoever connects and is silent stops all others
        context: ssl.SSLContext = listener.context
        read = certificates.current()

        def renew(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            nonlocal context, read
            newest = certificates.current()
            if newest is not read:
                read = newest
                try:
                    context = _context(certificates)
                except (OSError, ssl.SSLError) as error:  # the files changed once more in between
                    log.error("metrics are served with the certificate read before: %s", error)
            connection.context = context

        context.sni_callback = renew

    def close(self) -> None:
        """Ends it (blocking)."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _context(certificates: CertificateFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    if certificates.authorities:
        context.load_verify_locations(certificates.authorities)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
