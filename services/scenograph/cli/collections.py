"""`scenograph collections`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from scenograph.cli.options import DEFAULT_ADDRESS, Json, Server
from scenograph.cli.output import out, print_json
from scenograph.client import Client

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The collection's name.")]


@app.command("list")
def list_collections(server: Server = DEFAULT_ADDRESS, as_json: Json = False) -> None:
    """List the collections of a server."""
    with Client(server) as client:
        found = client.list_collections()
    if as_json:
        print_json(found)
        return
    table = Table("name", "items", "entries", "bits", "pack")
    for item in found:
        table.add_row(item.name, str(item.items), str(item.entries), str(item.bits), item.pack_version)
    out.print(table)


@app.command("create")
def create(
    name: Name,
    bits: Annotated[int, typer.Option(help="Length of the codes: 64, 128 or 256.")] = 256,
    server: Server = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Make an empty collection."""
    with Client(server) as client:
        made = client.create_collection(name, bits=bits)
    print_json(made) if as_json else out.print(f"made {made.name} ({made.bits} bits, {made.pack_version})")


@app.command("delete")
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    server: Server = DEFAULT_ADDRESS,
) -> None:
    """Remove a collection and all it holds."""
    if not yes:
        typer.confirm(f"Remove {name} and all it holds?", abort=True)
    with Client(server) as client:
        client.delete_collection(name)
    out.print(f"removed {name}")
