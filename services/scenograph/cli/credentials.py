"""Who the command line calls as: `--key`, SCENOGRAPH_KEY, or a file that holds the key."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer

_key: ContextVar[str | None] = ContextVar("scenograph_cli_key", default=None)
_key_file: ContextVar[Path | None] = ContextVar("scenograph_cli_key_file", default=None)


def options(
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            envvar="SCENOGRAPH_KEY",
            help="API key to call a server with; on the command line others of the machine can see it.",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", envvar="SCENOGRAPH_KEY_FILE", help="File with the API key."),
    ] = None,
) -> None:
    """Find images with sentences and sentences with images, and see why."""
    _key.set(key)
    _key_file.set(key_file)


def key() -> str | None:
    """The API key to call with; None where none is given. Errors: OSError, where its file cannot be read."""
    if (given := _key.get()) is not None:
        return given
    file = _key_file.get()
    return None if file is None else file.read_text(encoding="utf-8").strip()
