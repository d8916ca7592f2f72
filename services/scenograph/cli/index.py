"""`scenograph index`: an index folder on this machine, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from scenograph.cli.options import Json
from scenograph.cli.output import err, out, print_error, print_json

app = typer.Typer(no_args_is_help=True)

SHOWN = 3


@app.callback()
def index() -> None:
    """Look after an index folder on this machine."""


@app.command("rekey")
def rekey(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The server's data folder, as for `serve`.")
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Settings file.")] = None,
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keys, the newest first; else those of the settings.")
    ] = None,
    records: Annotated[
        bool, typer.Option("--records", help="Also encrypt every record anew, plain ones too.")
    ] = False,
) -> None:
    """Have the newest key wrap every data key; with --records, make new data keys. The server is stopped.

    Old keys are needed until it has ended. Run it again after a failure: it goes on.
    """
    from scenograph.index.rekeying import rekey
    from scenograph.runtime.settings import load_settings
    from scenograph.runtime.vault import Vault
    from scenograph.scene.errors import InvalidInput

    settings = load_settings(config, data_dir=data)
    chosen = settings.index
    keys = ("", str(key_file)) if key_file else (chosen.key.get_secret_value(), chosen.key_file)
    vault = Vault.of(*keys)
    if vault is None:
        raise InvalidInput("no key: give --key-file, index.key_file or index.key")

    def progress(what: str) -> None:
        err.print(f"encrypting {what}", highlight=False)

    changed = rekey(settings.data_dir / "index", vault, records=records, progress=progress)
    what = "encrypted anew" if records else "wrapped by the newest key"
    out.print(f"{changed} collections and snapshots {what}", highlight=False)


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
