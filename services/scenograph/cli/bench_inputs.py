"""What benchmarks of parts run on: pictures, and a server where none is given."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from scenograph.cli.server_process import ServerProcess

DRAWN = 16
"""Pictures that are drawn where there are no others."""
SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp"))
Seconds = Annotated[float, typer.Option("--seconds", min=0.2, help="How long each figure is measured.")]
Photos = Annotated[
    Path | None,
    typer.Option("--photos", metavar="DIR", help="Photographs to use; else the demo's, else drawn ones."),
]
OwnServer = Annotated[
    str,
    typer.Option(
        "--server", metavar="HOST:PORT", help="A running server; else one is started in a temporary folder."
    ),
]


def pictures(folder: Path | None) -> tuple[list[bytes], str]:
    """Files of pictures, and what they are.  Errors: OSError, ValueError (a folder without any)."""
    if folder is not None:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        if not files:
            raise ValueError(f"{folder} has no JPEG, PNG or WebP files")
        return [path.read_bytes() for path in files], f"{len(files)} of {folder}"
    from scenograph.cli.demo_photos import captioned

    try:
        shown = captioned()
    except ValueError:
        return drawn(DRAWN), f"{DRAWN} drawn ones"
    return [photo.path.read_bytes() for photo in shown], f"{len(shown)} of the demo"


def drawn(number: int) -> list[bytes]:
    """So many pictures, no two alike."""
    from scenograph.bench.picture import drawn_picture

    return [drawn_picture(each) for each in range(number)]


@contextmanager
def served(address: str, service: str = "", *, workers: int = 0) -> Iterator[str]:
    """The address of a server: the one given, else one of all services or of one, while this lasts."""
    if address:
        yield address
        return
    settings = {"SCENOGRAPH_SESSIONS_WORKERS": str(workers)} if workers else None
    with tempfile.TemporaryDirectory(prefix="scenograph-") as folder:
        with ServerProcess(Path(folder), service, settings) as started:
            yield started
