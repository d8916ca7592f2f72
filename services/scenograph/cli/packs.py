"""`scenograph packs`: the packs in a running server's memory."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from scenograph.cli.credentials import key
from scenograph.cli.options import DEFAULT_ADDRESS, Json, Server
from scenograph.cli.output import err, out, print_json
from scenograph.client import Client

app = typer.Typer(no_args_is_help=True)

Pack = Annotated[str, typer.Argument(help='"name@version", or "name".')]
Wait = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="How long to wait for the end.")]


@app.command("list")
def list_command(server: Server = DEFAULT_ADDRESS, as_json: Json = False) -> None:
    """List the packs: what they are doing, and which collections hold their codes."""
    with Client(server, key=key()) as client:
        found = client.list_packs()
    if as_json:
        print_json(found)
        return
    table = Table("pack", "state", "default", "calls", "collections", "error")
    for pack in found:
        default = "yes" if pack.is_default else ""
        error = str(pack.error) if pack.error else ""
        collections = ", ".join(pack.collections)
        table.add_row(pack.pack, pack.state.lower(), default, str(pack.calls), collections, error)
    out.print(table)


@app.command("load")
def load(pack: Pack, server: Server = DEFAULT_ADDRESS, timeout: Wait = 600.0, as_json: Json = False) -> None:
    """Load an installed pack beside those that serve ("name": its newest build); returns when ready."""
    with Client(server, key=key()) as client:
        loaded = client.load_pack(pack, timeout=timeout)
    print_json(loaded) if as_json else out.print(f"{loaded.pack} is loaded", highlight=False)


@app.command("unload")
def unload(
    pack: Pack,
    force: Annotated[
        bool, typer.Option("--force", help="Although collections hold its codes: they are refused then.")
    ] = False,
    server: Server = DEFAULT_ADDRESS,
    timeout: Wait = 600.0,
) -> None:
    """Free a pack's memory, once the calls that began with it have ended."""
    with Client(server, key=key()) as client:
        client.unload_pack(pack, force=force, timeout=timeout)
    out.print(f"{pack} is unloaded", highlight=False)


@app.command("default")
def default(pack: Pack, server: Server = DEFAULT_ADDRESS, as_json: Json = False) -> None:
    """Serve with a loaded pack from now on; the same command with the old one rolls back."""
    with Client(server, key=key()) as client:
        previous = client.set_default_pack(pack)
        (chosen,) = (each for each in client.list_packs() if each.is_default)
    if as_json:
        print_json({"default": chosen.pack, "previous": previous})
        return
    out.print(f"{chosen.pack} is the default, {previous} was", highlight=False)
    err.print(f"until the server ends; to start with it: SCENOGRAPH_PACK={chosen.pack}", highlight=False)
