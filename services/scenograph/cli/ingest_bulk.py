"""`scenograph ingest-bulk`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenograph.bulk.sources import Format, format_of, source_files
from scenograph.cli.connection import api_key, connect, tls
from scenograph.cli.ingest import find_photos, make_collection, photo_metadata
from scenograph.cli.options import DEFAULT_ADDRESS, Json
from scenograph.cli.output import out, print_error, print_json, progress
from scenograph.client.errors import Unavailable

if TYPE_CHECKING:
    from scenograph.bulk.records import Shard
    from scenograph.bulk.run import Summary

SHOWN = 10
"""Rejected records and broken shards that are printed; the report has all."""


def ingest_bulk(
    collection: Annotated[str, typer.Argument(help="The collection; it is made where there is none.")],
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="A folder of photos, of Parquet files, or of WebDataset tars; or one file."
        ),
    ],
    kind: Annotated[
        Format, typer.Option("--format", help="What the source is; auto: by its files' names.")
    ] = Format.AUTO,
    captions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl", help='Sentences of photos: {"image": path, "captions": [...]} a line.'
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Only this split of the captions file.")] = "",
    id_column: Annotated[str, typer.Option(help="Parquet: the column of ids.")] = "id",
    image_column: Annotated[
        str, typer.Option(help="Parquet: the column of images: bytes, paths, or {bytes, path}.")
    ] = "image",
    texts_column: Annotated[
        str,
        typer.Option(help="Parquet: the column of sentences; else texts, captions, text or caption."),
    ] = "",
    servers: Annotated[
        str,
        typer.Option(
            "--server",
            "--address",
            metavar="HOST:PORT,...",
            help="The gateways; workers begin at different ones, and go to the next where one is away.",
        ),
    ] = DEFAULT_ADDRESS,
    workers: Annotated[int, typer.Option(min=1, help="Workers that read and send at once.")] = 4,
    ray: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            envvar="RAY_ADDRESS",
            help="A Ray cluster whose nodes read the source at the same path; else one of this machine.",
        ),
    ] = "",
    state: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the run is kept; ./COLLECTION.ingest without it."),
    ] = None,
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long to try while nothing can be stored.")
    ] = 300.0,
    as_json: Json = False,
) -> None:
    """Store a large folder, Parquet files or WebDataset tars, with many workers.

    Run it again after a failure, or Ctrl-C: it goes on where it was. What is stored already is not written
    twice. A record that is not stored is in the report and ends nothing; the exit code is 1 then.
    """
    from scenograph.bulk.ledger import Ledger
    from scenograph.bulk.run import run
    from scenograph.bulk.sending import Target

    addresses = tuple(filter(None, servers.split(",")))
    if not addresses:
        raise ValueError("--server names no gateway")
    if kind is Format.AUTO:
        kind = Format.FOLDER if captions else format_of(source)
    shards = _shards(source, kind, captions, split, (id_column, image_column, texts_column))
    if not shards:
        raise ValueError(f"{source} has nothing to store ({kind.value})")
    folder = state or Path(f"{collection}.ingest")
    with Ledger(folder, collection, str(source.resolve())) as ledger:
        _make_collection(addresses, collection)
        target = Target(addresses, collection, api_key(), tls(), patience_s=patience)
        with progress() as bar:
            task = bar.add_task("ingest", total=None)

            def tell(done: int, of: int | None) -> None:
                bar.update(task, completed=done, total=of)

            summary = run(shards, target, ledger, workers=workers, address=ray, tell=tell)
        print_json(summary) if as_json else _print(summary, collection)
    if not summary.whole:
        raise typer.Exit(1)


def _make_collection(addresses: Sequence[str], name: str) -> None:
    """At the first of the gateways that can be reached."""
    for left, address in enumerate(addresses, 1 - len(addresses)):
        with connect(address) as client:
            try:
                return make_collection(client, name)
            except Unavailable:
                if left == 0:
                    raise


def _shards(
    source: Path, kind: Format, captions: Path | None, split: str, columns: tuple[str, str, str]
) -> list[Shard]:
    if kind is Format.PARQUET:
        from scenograph.bulk.parquet import Columns, row_group_shards

        return list(row_group_shards(source_files(source.resolve(), kind), Columns(*columns)))
    if kind is Format.WEBDATASET:
        from scenograph.bulk.webdataset import tar_shards

        return list(tar_shards(source_files(source.resolve(), kind)))
    from scenograph.bulk.folder import Photo, photo_shards

    found = find_photos([source], captions, split)
    return list(
        photo_shards([Photo(each.name, each.path, each.captions, photo_metadata(each)) for each in found])
    )


def _print(summary: Summary, collection: str) -> None:
    known = f" ({summary.replayed} of them known already)" if summary.replayed else ""
    out.print(
        f"{summary.stored} stored in {collection}{known}, {summary.rejected} rejected; "
        f"{summary.finished} of {summary.shards} shards finished"
    )
    rate = summary.sent / summary.seconds if summary.seconds else 0.0
    out.print(f"this run: {summary.sent} records in {summary.seconds:.0f} s, {rate:.1f} a second")
    for name, why in list(summary.broken.items())[:SHOWN]:
        print_error(f"{name}: {why}; what is before that is stored")
    if summary.rejected:
        print_error(f"{summary.rejected} records were not stored: {summary.report}")
