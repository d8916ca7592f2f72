"""Connections to the server under load."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import grpc

from scenograph.bench.load.config import LoadConfig
from scenograph.scene.errors import InvalidInput

C = TypeVar("C")
Options = tuple[tuple[str, str | int], ...]


def channel_options(config: LoadConfig) -> Options:
    """Arguments of a channel: a connection of its own, no retries, no proxy, messages of any size."""
    options: list[tuple[str, str | int]] = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
        ("grpc.enable_http_proxy", 0),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
    ]
    if keepalive_s := config.seconds("keepalive"):
        options.append(("grpc.keepalive_time_ms", int(keepalive_s * 1000)))
    if config.authority:
        options.append(("grpc.default_authority", config.authority))
    if config.cname:
        options.append(("grpc.ssl_target_name_override", config.cname))
    return tuple(options)


def open_channel(
    config: LoadConfig,
    insecure: Callable[[str, Options], C],
    secure: Callable[[str, grpc.ChannelCredentials, Options], C],
) -> C:
    """A channel as the config says, by grpc's own functions or by grpc.aio's.  Errors: OSError."""
    options = channel_options(config)
    if config.insecure:
        return insecure(config.host, options)
    roots, key, chain = (
        Path(name).read_bytes() if name else None for name in (config.cacert, config.key, config.cert)
    )
    return secure(config.host, grpc.ssl_channel_credentials(roots, key, chain), options)


def check_target(host: str, *, allow_remote: bool) -> None:
    """Errors: InvalidInput where a load would go to another machine and that is not allowed, or nowhere."""
    if not host:
        raise InvalidInput("host: no server is named", field="host")
    if allow_remote or host.startswith("unix:"):
        return
    name, port = _split(
        host.removeprefix("dns:").removeprefix("///").removeprefix("ipv4:").removeprefix("ipv6:")
    )
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise InvalidInput(f"host: {host!r} is no address: {error}", field="host") from error
    for address in (ipaddress.ip_address(text.partition("%")[0]) for text in found):
        if not (address.is_loopback or address.is_unspecified):
            raise InvalidInput(
                f"host: {host!r} is another machine ({address}): load goes there with --allow-remote "
                "alone, and its owner's consent",
                field="host",
            )


def _split(host: str) -> tuple[str, str]:
    """Name and port of "name:port" or "[::1]:port"."""
    name, _, port = host.rpartition(":")
    if not name or not port.isdigit():
        raise InvalidInput(f"host: {host!r} is not HOST:PORT", field="host")
    return name.removeprefix("[").removesuffix("]"), port
