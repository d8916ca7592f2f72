"""`scenograph datasets`: what the datasets of the field are, and what their folders must hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from scenograph.cli.options import Json
from scenograph.cli.output import out, print_json

if TYPE_CHECKING:
    from scenograph.data import DatasetCard

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Datasets that training and evaluation read."""


@app.command("list")
def list_datasets(as_json: Json = False) -> None:
    """List the datasets."""
    from scenograph.data import dataset_card, dataset_names

    cards = [dataset_card(name) for name in dataset_names()]
    if as_json:
        print_json(cards)
        return
    table = Table("name", "gives", "of", "splits")
    for card in cards:
        table.add_row(card.name, card.kind, card.modality, ", ".join(card.splits))
    out.print(table)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A dataset; `scenograph datasets list` lists them.")],
    root: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also read it, from FOLDER or the folder of its name in there."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a dataset's files, protocol, terms and citation; with --root, what is there too."""
    from scenograph.data import dataset_card

    card = dataset_card(name)
    sizes = _sizes(name, root) if root is not None else {}
    if as_json:
        print_json({"card": card, "items": sizes})
        return
    _print(card)
    for split, size in sizes.items():
        out.print(f"{split}: {size}", highlight=False)


def _print(card: DatasetCard) -> None:
    rows = {
        "dataset": f"{card.title} ({card.name})",
        "gives": f"{card.kind}: {card.modality}",
        "splits": ", ".join(card.splits),
        "protocol": card.protocol,
        "files": "\n".join(card.files),
        "published": card.url,
        "terms": card.terms,
        "citation": card.citation,
    }
    grid = Table.grid(padding=(0, 2))
    for label, value in rows.items():
        grid.add_row(Text(label, style="bold"), Text(value))
    out.print(grid)


def _sizes(name: str, root: Path) -> dict[str, str]:
    """What each split holds. Errors: InvalidInput, from the first wrong file."""
    from scenograph.data import load_dataset
    from scenograph.data.tables import Captions

    dataset = load_dataset(name, root)
    if isinstance(dataset, Captions):
        found = {split: dataset.captions(split) for split in dataset.splits}
        return {
            split: f"{len(data.images)} photographs, {sum(map(len, data.captions))} captions"
            for split, data in found.items()
        }
    pairs = {split: dataset.features(split) for split in dataset.splits}
    return {
        split: f"{len(data.ids)} pairs, image {data.image.shape[1]}-d, text {data.text.shape[1]}-d, "
        f"{data.labels.shape[1]} classes"
        for split, data in pairs.items()
    }
