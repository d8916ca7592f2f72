"""`scenograph train`: a recipe, trained on this machine."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from scenograph.cli.options import Json
from scenograph.cli.output import out, print_json, progress


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A method's key, or a TOML file.")],
    data: Annotated[
        Path,
        typer.Option(metavar="DIR", envvar="SCENOGRAPH_DATA", help="The folder that holds the datasets."),
    ] = Path("data"),
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a value: --set train.epochs=10."),
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write; runs/KEY by default.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    as_json: Json = False,
) -> None:
    """Train a method of the catalogue, or a recipe of your own.

    Weights, the recipe as trained, its checkpoint and its curves are written to one folder. Several processes
    or devices: torchrun --nproc-per-node 2 -m scenograph.cli train RECIPE.
    """
    from scenograph.methods.catalogue import get_method, load_recipe
    from scenograph.train.recipes import train_recipe

    values = dict(_override(one) for one in overrides or ())
    is_file = recipe.endswith(".toml")
    checked = load_recipe(Path(recipe), values) if is_file else get_method(recipe, values)
    folder = target or Path("runs") / checked.key
    with progress() as bar:
        task = bar.add_task(checked.key, total=None)

        def report(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"{checked.key}: {what}", completed=done, total=total)

        outcome = train_recipe(checked, data, folder, progress=report, resume=resume)
    if not outcome.files:  # another process wrote them
        return
    if as_json:
        print_json({"files": [str(file) for file in outcome.files], "values": outcome.values})
        return
    if outcome.values:
        table = Table(*outcome.values)
        table.add_row(*(f"{value:.4g}" for value in outcome.values.values()))
        out.print(table)
    for file in outcome.files:
        out.print(f"wrote {file}", highlight=False)


def _override(text: str) -> tuple[str, Any]:
    """ "train.epochs=3" -> ("train.epochs", 3); a value that is not TOML is a string."""
    key, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--set")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value
