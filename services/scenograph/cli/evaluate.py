"""`scenograph evaluate`: how well the served path finds what it should."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from scenograph.cli import evaluate_compositional, evaluate_features
from scenograph.cli.captions import read_captions
from scenograph.cli.options import Json
from scenograph.cli.output import out, print_error, print_json
from scenograph.cli.server_process import ServerProcess

if TYPE_CHECKING:
    from scenograph.cli.evaluation import Evaluation

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Measure what is found: by the served path, and by methods of the catalogue."""


@app.command("retrieval")
def retrieval(
    captions: Annotated[
        Path,
        typer.Option(metavar="FILE.jsonl", help='{"image": path, "captions": [...], "split": ...} a line.'),
    ],
    split: Annotated[str, typer.Option(help="The split to measure.")] = "dev",
    limit: Annotated[int, typer.Option(help="Only the first N photos; 0 for all.")] = 0,
    server: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT", help="A running server; else one is started in a temporary folder."
        ),
    ] = "",
    collection: Annotated[
        str,
        typer.Option(help="The collection to fill; one that holds these photos already is used as it is."),
    ] = "evaluation",
    stages: Annotated[
        list[str] | None, typer.Option("--stage", help="coarse, float, graph; all by default.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Searches under way at a time.")] = 4,
    as_json: Json = False,
) -> None:
    """Recall of sentences to photos and of photos to sentences, over gRPC, at each stage of the ranking.

    Each photo of the split is stored with its sentences as one item. Text to image: every sentence looks
    for its photo. Image to text: every photo looks for any of its sentences.
    """
    from scenograph.cli import evaluation

    photos = list(read_captions(captions, split))[: limit or None]
    if not photos:
        raise ValueError(f"{captions} has no photos of split {split!r}")
    chosen = evaluation.check_stages(stages or ["coarse", "float", "graph"])
    with tempfile.TemporaryDirectory(prefix="scenograph-") as folder:
        with nullcontext(server) if server else ServerProcess(Path(folder)) as address:
            result = asyncio.run(evaluation.measure(address, collection, photos, chosen, concurrency))
    for failure in result.failures:
        print_error(f"{failure.item_id}: {failure.error}")
    if as_json:
        print_json(result)
    else:
        _print(result)
    if result.failures:
        raise typer.Exit(1)


app.command("compositional")(evaluate_compositional.compositional)
app.command("hashing")(evaluate_features.hashing)
app.command("real-valued")(evaluate_features.real_valued)


def _print(result: Evaluation) -> None:
    table = Table("direction", "stage", "queries", "R@1", "R@5", "R@10", "median rank")
    for row in result.rows:
        recalls = [f"{100 * value:.1f}" for value in (row.recall_at_1, row.recall_at_5, row.recall_at_10)]
        median = f"{row.median_rank:g}" if row.median_rank is not None else f"> {result.depth}"
        table.add_row(row.direction, row.stage, str(row.queries), *recalls, median)
    out.print(table)
    out.print(f"{result.photos} photos, {result.sentences} sentences, {result.pack_version}", highlight=False)
