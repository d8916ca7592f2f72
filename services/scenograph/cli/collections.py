"""`scenograph collections`."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.table import Table

from scenograph.cli.credentials import key
from scenograph.cli.options import DEFAULT_ADDRESS, Json, Server
from scenograph.cli.output import err, out, print_json, progress
from scenograph.client import Client, Reencoding

app = typer.Typer(no_args_is_help=True)

POLL_S = 0.5
"""How often a re-encoding is asked how far it is."""
Name = Annotated[str, typer.Argument(help="The collection's name.")]


@app.command("list")
def list_collections(server: Server = DEFAULT_ADDRESS, as_json: Json = False) -> None:
    """List the collections of a server."""
    with Client(server, key=key()) as client:
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
    with Client(server, key=key()) as client:
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
    with Client(server, key=key()) as client:
        client.delete_collection(name)
    out.print(f"removed {name}")


@app.command("reencode")
def reencode(
    name: Name,
    pack: Annotated[
        str, typer.Option(help='A loaded pack, "name@version"; else the server\'s default.')
    ] = "",
    background: Annotated[
        bool, typer.Option("--background", help="Do not wait; `reencodings` shows how far it is.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="End the re-encoding instead.")] = False,
    server: Server = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Make a collection anew with another pack; what it holds serves until the switch.

    The work is the server's: Ctrl-C ends the waiting alone. Run it again after a failure, or the server's
    end: it goes on from there.
    """
    with Client(server, key=key()) as client:
        if cancel:
            found = client.cancel_reencoding(name)
        else:
            found = client.reencode_collection(name, pack)
            if not background:
                found = _wait(client, found)
    print_json(found) if as_json else out.print(_told(found), highlight=False)
    if found.error is not None:
        raise found.error


@app.command("reencodings")
def reencodings(server: Server = DEFAULT_ADDRESS, as_json: Json = False) -> None:
    """How far re-encodings are, and how the last of each collection ended."""
    with Client(server, key=key()) as client:
        found = client.list_reencodings()
    if as_json:
        print_json(found)
        return
    table = Table("collection", "pack", "state", "items", "of", "error")
    for each in found:
        error = str(each.error) if each.error else ""
        table.add_row(each.collection, each.pack, each.state.lower(), str(each.done), str(each.total), error)
    out.print(table)


def _wait(client: Client, found: Reencoding) -> Reencoding:
    with progress() as bar:
        task = bar.add_task(f"re-encode {found.collection}", total=found.total)
        try:
            while found.state == "RUNNING":
                time.sleep(POLL_S)
                found = client.get_reencoding(found.collection)
                bar.update(task, completed=found.done, total=found.total)
        except KeyboardInterrupt:
            err.print("the server goes on; --cancel ends it", highlight=False)
    return found


def _told(found: Reencoding) -> str:
    return f"{found.collection} to {found.pack}: {found.state.lower()}, {found.done} of {found.total} items"
