"""`scenograph index`: an index folder on this machine, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from scenograph.cli.options import Json
from scenograph.cli.output import out, print_error, print_json

app = typer.Typer(no_args_is_help=True)

SHOWN = 3


@app.callback()
def index() -> None:
    """An index folder on this machine."""


@app.command("verify")
def verify(
    data: Annotated[Path, typer.Option(metavar="DIR", help="The server's data folder.")],
    as_json: Json = False,
) -> None:
    """Read every record and snapshot through and compare checksums; exit code 1 where any is damaged."""
    from scenograph.index import verifying

    found = list(verifying.verify(data / "index"))
    if as_json:
        print_json(found)
    else:
        table = Table("what", "name", "items", "state")
        for one in found:
            shown = ", ".join(one.damaged[:SHOWN]) + (", ..." if len(one.damaged) > SHOWN else "")
            state = one.problem or (f"{len(one.damaged)} items damaged: {shown}" if shown else "sound")
            table.add_row(one.kind, one.name, str(one.items), escape(state))
        out.print(table)
    if not all(one.sound for one in found):
        print_error("restore a snapshot that is sound, or write the damaged items again")
        raise typer.Exit(1)
