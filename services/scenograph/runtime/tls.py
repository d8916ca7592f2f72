"""TLS for gRPC, of servers and of channels, by certificates that may change while they are used.

The versions are gRPC's: 1.2 and 1.3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import grpc

from scenograph.runtime.certificates import CertificateFiles, Certificates
from scenograph.runtime.settings import TlsSettings


def server_certificates(settings: TlsSettings) -> CertificateFiles | None:
    """What a server serves with; None without encryption.  Errors: InvalidInput."""
    if not settings.certificate:
        return None
    names = ("tls.certificate", "tls.key", "tls.client_ca")
    return CertificateFiles(settings.certificate, settings.key, settings.client_ca, names=names)


def caller_certificates(settings: TlsSettings) -> CertificateFiles | None:
    """What other services are called with; None without encryption.  Errors: InvalidInput."""
    if not settings.ca:
        return None
    return CertificateFiles(settings.certificate, settings.key, settings.ca)


def server_credentials(files: CertificateFiles) -> grpc.ServerCredentials:
    """Those of a server whose new connections get the newest certificate; those under way go on.

    With authorities, clients must show a certificate that one of them signed.
    """
    served = files.current()
    asks = bool(served.authorities)

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        """Called before each handshake, in a thread of gRPC's; None: no change."""
        nonlocal served
        newest = files.current()
        if newest is served:
            return None
        served = newest
        return _configuration(newest)

    fetcher = cast("Callable[[], grpc.ServerCertificateConfiguration]", fetch)
    return grpc.dynamic_ssl_server_credentials(_configuration(served), fetcher, asks)


def channel_credentials(certificates: Certificates) -> grpc.ChannelCredentials:
    """Those of a channel: the server is checked by the authorities, else by gRPC's own; the own certificate,
    where there is one, is shown to servers that ask for it.
    """
    return grpc.ssl_channel_credentials(
        certificates.authorities or None, certificates.key or None, certificates.chain or None
    )


def _configuration(certificates: Certificates) -> grpc.ServerCertificateConfiguration:
    pair = (certificates.key, certificates.chain)
    return grpc.ssl_server_certificate_configuration([pair], certificates.authorities or None)
