"""How commands connect to the server that they are told: options that stand before the command."""

from __future__ import annotations

from typing import Annotated

import typer

from scenograph.client import TLS, Client
from scenograph.client.channel import DEFAULT_TIMEOUT
from scenograph.client.tls import SYSTEM

_PANEL = "Encryption"
_ca = _server_name = ""
_own = ("", "")


def connecting(
    ca: Annotated[
        str,
        typer.Option(
            "--tls-ca",
            metavar="FILE|system",
            envvar="SCENOGRAPH_TLS_CA",
            help="Talk to servers over TLS, and check them by these authorities.",
            rich_help_panel=_PANEL,
        ),
    ] = "",
    certificate: Annotated[
        str,
        typer.Option(
            "--tls-certificate",
            metavar="FILE",
            envvar="SCENOGRAPH_TLS_CERTIFICATE",
            help="A certificate for servers that ask for one.",
            rich_help_panel=_PANEL,
        ),
    ] = "",
    key: Annotated[
        str,
        typer.Option(
            "--tls-key",
            metavar="FILE",
            envvar="SCENOGRAPH_TLS_KEY",
            help="The certificate's key.",
            rich_help_panel=_PANEL,
        ),
    ] = "",
    server_name: Annotated[
        str,
        typer.Option(
            "--tls-server-name",
            metavar="NAME",
            envvar="SCENOGRAPH_TLS_SERVER_NAME",
            help="The name in the server's certificate, where it is not its address's.",
            rich_help_panel=_PANEL,
        ),
    ] = "",
) -> None:
    """Find images with sentences and sentences with images, and see why."""
    global _ca, _own, _server_name
    _ca, _own, _server_name = ca, (certificate, key), server_name


def connect(server: str, timeout: float = DEFAULT_TIMEOUT) -> Client:
    """A client of a command's server, encrypted as the options before the command say."""
    tls = TLS(ca=_ca, certificate=_own[0], key=_own[1], server_name=_server_name)
    return Client(server, timeout=timeout, tls=tls if tls != TLS() else False)


def of_load() -> dict[str, str | bool]:
    """The same in the words of load configs; nothing without encryption."""
    if not any((_ca, *_own, _server_name)):
        return {}
    ca = "" if _ca == SYSTEM else _ca
    return {"insecure": False, "cacert": ca, "cert": _own[0], "key": _own[1], "cname": _server_name}
