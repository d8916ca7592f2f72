"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from scenograph.client.channel import DEFAULT_ADDRESS

Server = Annotated[str, typer.Option("--server", metavar="HOST:PORT", help="The server to talk to.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="Deadline of each call.")]

__all__ = ["DEFAULT_ADDRESS", "Json", "Server", "Timeout"]
