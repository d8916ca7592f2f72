"""`scenograph health`: whether a server serves, as an exit code for containers and scripts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from scenograph.cli.connection import connect
from scenograph.cli.options import DEFAULT_ADDRESS, Server, Timeout
from scenograph.cli.output import out


def health(
    service: Annotated[
        str, typer.Argument(help="A service's full name; without it the server as a whole is meant.")
    ] = "",
    server: Server = DEFAULT_ADDRESS,
    timeout: Timeout = 3.0,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="First wait so long for the server.")] = 0.0,
) -> None:
    """Ask a server for its health; exit code 0 where it is SERVING, else 1."""
    with connect(server) as client:
        if wait:
            client.wait_until_ready(wait)
        status = client.health(service, timeout=timeout)
    out.print(status, highlight=False)
    if status != "SERVING":
        sys.exit(1)
