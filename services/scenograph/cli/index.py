"""`scenograph index`: the index folder of a server that is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenograph.cli.output import err, out

app = typer.Typer(no_args_is_help=True)


@app.callback()
def index() -> None:
    """Look after the index folder of a server that is stopped."""


@app.command("rekey")
def rekey(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the index, as for `serve`.")
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Settings file.")] = None,
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keys, the newest first; else those of the settings.")
    ] = None,
    records: Annotated[
        bool, typer.Option("--records", help="Also encrypt every record anew, plain ones too.")
    ] = False,
) -> None:
    """Have the newest key wrap every data key; with --records, make new data keys.

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
