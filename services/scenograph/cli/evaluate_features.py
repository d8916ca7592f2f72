"""`scenograph evaluate hashing` and `... real-valued`: methods of the catalogue on datasets of features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scenograph.cli.evaluate_output import ReportFolder, put_out
from scenograph.cli.options import Json
from scenograph.cli.output import progress

Methods = Annotated[
    list[str],
    typer.Option(
        "--method", metavar="KEY", help="A method of `scenograph methods list`; give several to compare."
    ),
]
Dataset = Annotated[str, typer.Option(help="A dataset of features, such as wikipedia.")]
Data = Annotated[
    Path,
    typer.Option(
        "--data", envvar="SCENOGRAPH_DATA", metavar="DIR", help="The folder that holds the datasets."
    ),
]
Seeds = Annotated[
    list[int] | None,
    typer.Option("--seed", help="Give several to report mean and spread; 0 by default."),
]


def hashing(
    method: Methods,
    data: Data = Path("data"),
    dataset: Dataset = "wikipedia",
    bits: Annotated[str, typer.Option(help="Lengths of code, separated by commas.")] = "16,32,64",
    protocol: Annotated[list[str] | None, typer.Option(help="paper or inductive; both by default.")] = None,
    seed: Seeds = None,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Train hashing methods and rank by Hamming distance, image to text and text to image.

    The paper protocol searches the training items with the codes that the method learned for them; the
    inductive one searches items that it has never seen, hashed by its hash functions.
    """
    from scenograph.cli import features
    from scenograph.cli.reports.features import features_report

    lengths = features.check_bits(bits)
    protocols = features.check_protocols(protocol)
    with progress() as bar:
        found = features.measure_hashing(method, dataset, data, lengths, seed or [0], protocols, bar)
    put_out(features_report(dataset, found), report, as_json)


def real_valued(
    method: Methods,
    data: Data = Path("data"),
    dataset: Dataset = "wikipedia",
    dimension: Annotated[
        int | None, typer.Option(min=1, help="Size of the common space; the recipe's own by default.")
    ] = None,
    seed: Seeds = None,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Train real-valued methods and rank unseen items by cosine, image to text and text to image."""
    from scenograph.cli import features
    from scenograph.cli.reports.features import features_report

    with progress() as bar:
        found = features.measure_real_valued(method, dataset, data, dimension, seed or [0], bar)
    put_out(features_report(dataset, found), report, as_json)
