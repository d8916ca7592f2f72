"""`scenograph evaluate`: how well the served path finds what it should."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from scenograph.cli import evaluate_compositional, evaluate_detector, evaluate_features, evaluate_parser
from scenograph.cli.captions import read_captions
from scenograph.cli.evaluate_output import ReportFolder, put_out
from scenograph.cli.options import Json
from scenograph.cli.output import print_error
from scenograph.cli.server_process import ServerProcess

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
    ablations: Annotated[
        bool, typer.Option("--ablations", help="Also rank by each level, score and matcher alone.")
    ] = False,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Compare with rankings for which every entry is a candidate.")
    ] = False,
    exhaustive_coarse: Annotated[
        list[int] | None,
        typer.Option(metavar="K1", min=1, help="What the coarse stage keeps on the other side; 1000."),
    ] = None,
    exhaustive_queries: Annotated[
        int, typer.Option(min=0, help="Queries of each direction to compare; 0 for all.")
    ] = 0,
    exhaustive_deep: Annotated[
        int, typer.Option(min=0, help="Queries of each direction to compare with every candidate matched.")
    ] = 0,
    concurrency: Annotated[int, typer.Option(min=1, help="Searches under way at a time.")] = 4,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Recall of sentences to photos and of photos to sentences, over gRPC, at each stage of the ranking.

    Each photo of the split is stored with its sentences as one item. Text to image: every sentence looks
    for its photo. Image to text: every photo looks for any of its sentences.
    """
    from scenograph.cli import evaluation, ways
    from scenograph.cli.exhaustive import Depths
    from scenograph.cli.reports.retrieval import retrieval_report

    photos = list(read_captions(captions, split))[: limit or None]
    if not photos:
        raise ValueError(f"{captions} has no photos of split {split!r}")
    chosen = ways.stage_ways(evaluation.check_stages(stages or ["coarse", "float", "graph"]))
    compared = [*(ways.ablations() if ablations else ()), *chosen]
    depths = Depths(tuple(exhaustive_coarse or [1000]), exhaustive_queries, exhaustive_deep)
    with tempfile.TemporaryDirectory(prefix="scenograph-") as folder:
        with nullcontext(server) if server else ServerProcess(Path(folder)) as address:
            result = asyncio.run(
                evaluation.measure(
                    address,
                    collection,
                    photos,
                    compared,
                    concurrency,
                    examples=report is not None,
                    exhaustive=depths if exhaustive else None,
                )
            )
    for failure in result.failures:
        print_error(f"{failure.item_id}: {failure.error}")
    put_out(retrieval_report(result, photos), report, as_json, replace(result, shown=()))
    if result.failures:
        raise typer.Exit(1)


app.command("compositional")(evaluate_compositional.compositional)
app.command("hashing")(evaluate_features.hashing)
app.command("real-valued")(evaluate_features.real_valued)
app.command("parser")(evaluate_parser.parser)
app.command("detector")(evaluate_detector.detector)
