"""How a connection is encrypted, and who is on its ends."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import grpc

from scenograph.client.errors import InvalidInput

SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class TLS:
    """Files in PEM, read when a client is made.

    `ca`: the authorities that the server is checked by; empty or "system": those that gRPC trusts by itself.
    `certificate` (with its chain) and `key`: the own ones, for servers that ask for them. `server_name`: the
    name in the server's certificate, where it is not the address's.
    """

    ca: str | os.PathLike[str] = ""
    certificate: str | os.PathLike[str] = ""
    key: str | os.PathLike[str] = ""
    server_name: str = ""

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.key):
            raise InvalidInput("tls: certificate and key go together", code=grpc.StatusCode.INVALID_ARGUMENT)

    def credentials(self) -> grpc.ChannelCredentials:
        """Those of a channel.  Errors: InvalidInput where a file cannot be read."""
        ca = "" if self.ca == SYSTEM else self.ca
        return grpc.ssl_channel_credentials(_bytes(ca), _bytes(self.key), _bytes(self.certificate))


def _bytes(name: str | os.PathLike[str]) -> bytes | None:
    if not name:
        return None
    try:
        return Path(name).read_bytes()
    except OSError as error:
        message = f"tls: {os.fspath(name)}: {error.strerror}"
        raise InvalidInput(message, code=grpc.StatusCode.INVALID_ARGUMENT) from error
