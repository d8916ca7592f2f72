"""How commands connect to the server that they are told, and who they call as: options that stand before the
command.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenograph.client import TLS, Client
from scenograph.client.channel import DEFAULT_TIMEOUT
from scenograph.client.tls import SYSTEM

_PANEL = "Encryption"
_WHO = "Who calls"
_ca = _server_name = ""
_own = ("", "")
_key: str | None = None
_key_file: Path | None = None


def connecting(
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            envvar="SCENOGRAPH_KEY",
            help="API key to call a server with; on the command line others of the machine can see it.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="SCENOGRAPH_KEY_FILE",
            help="File with the API key.",
            rich_help_panel=_WHO,
        ),
    ] = None,
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
    tls_key: Annotated[
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
    global _ca, _own, _server_name, _key, _key_file
    _ca, _own, _server_name = ca, (certificate, tls_key), server_name
    _key, _key_file = key, key_file


def api_key() -> str | None:
    """The API key to call with; None where none is given. Errors: OSError where its file cannot be read."""
    if _key is not None or _key_file is None:
        return _key
    return _key_file.read_text(encoding="utf-8").strip()


def tls() -> TLS | bool:
    """The encryption that the options before the command ask for; False for none."""
    chosen = TLS(ca=_ca, certificate=_own[0], key=_own[1], server_name=_server_name)
    return chosen if chosen != TLS() else False


def connect(server: str, timeout: float = DEFAULT_TIMEOUT) -> Client:
    """A client of a command's server, as the options before the command say."""
    return Client(server, timeout=timeout, tls=tls(), key=api_key())


def of_load() -> dict[str, str | bool]:
    """The encryption in the words of load configs; nothing where none is asked for."""
    if not any((_ca, *_own, _server_name)):
        return {}
    ca = "" if _ca == SYSTEM else _ca
    return {"insecure": False, "cacert": ca, "cert": _own[0], "key": _own[1], "cname": _server_name}
