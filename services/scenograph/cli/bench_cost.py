"""`scenograph bench cost`: what a collection costs, by its size."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenograph.cli.bench_inputs import Photos, pictures
from scenograph.cli.options import Json
from scenograph.cli.output import err, out, print_json, progress
from scenograph.cli.server_process import ServerProcess

if TYPE_CHECKING:
    from scenograph.bench.codes import Mixture
    from scenograph.bench.cost import Size
    from scenograph.bench.cost_sample import Sample


def cost(
    items: Annotated[
        str, typer.Option(metavar="N,...", help="Sizes of collections, in codes.")
    ] = "10000,100000,1000000",
    embeddings: Annotated[
        str, typer.Option(metavar="FLOATS|none", help="Floats of an embedding; else as many as the pack's.")
    ] = "",
    codes_only_from: Annotated[
        int, typer.Option(metavar="N", help="Sizes from which codes are stored without embeddings.")
    ] = 10_000_000,
    searches: Annotated[int, typer.Option(min=1, help="Searches of each kind and size.")] = 1000,
    sample: Annotated[
        int,
        typer.Option(min=1, help="Photos and sentences stored with the pack's models."),
    ] = 120,
    bits: Annotated[int, typer.Option(min=64, help="Length of the codes: 64, 128 or 256.")] = 256,
    captions: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Photographs with sentences that codes are made around, JSONL."),
    ] = None,
    photos: Photos = None,
    place: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where collections are written for a while.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write cost.json and cost.png there.")
    ] = None,
    docs: Annotated[
        Path | None, typer.Option(metavar="PAGE.md", help="Make the page's tables anew, as docs/scaling.md.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Disk, memory, processor time, latency, start and snapshot of collections, each size measured; what a
    photo, a sentence and a search cost with the pack; and which machine that makes.

    Collections are written durably, one after the other, into a temporary folder: 13 GB for a million
    embeddings of 960 floats, 5 GB for ten million codes, snapshots included.
    """
    from scenograph.cli.reports.cost import Measured, cost_tables, with_cost, write_measured
    from scenograph.cli.reports.facts import run_facts

    numbers = sorted({int(each) for each in items.split(",") if each})
    if not numbers or numbers[0] < 1:
        raise ValueError("--items takes numbers of at least 1, such as 10000,100000")
    sampled = _sample(sample, photos)
    floats = 0 if embeddings == "none" else int(embeddings or sampled.embedding_size)
    mixture, about = _mixture(captions, bits)
    sizes = []
    for number in numbers:
        dimension = 0 if number >= codes_only_from else floats
        sizes.append(_size(mixture, number, dimension, searches, place))
    measured = Measured(run_facts(codes=about), tuple(sizes), sampled)
    if report is not None:
        write_measured(measured, report)
        err.print(f"report: {report / 'cost.json'}", highlight=False)
    if docs is not None:
        docs.write_text(with_cost(docs.read_text(encoding="utf-8"), measured), encoding="utf-8")
    print_json(measured) if as_json else out.print(cost_tables(measured), markup=False, highlight=False)


def _sample(items: int, photos: Path | None) -> Sample:
    from scenograph.bench import cost_sample

    files, _ = pictures(photos)
    with tempfile.TemporaryDirectory(prefix="scenograph-") as name, progress() as bar:
        task = bar.add_task("items", total=None)
        server = ServerProcess(Path(name))
        with server as address:
            assert server.process is not None
            return cost_sample.measure(
                address,
                server.process.pid,
                Path(name) / "data",
                files,
                items=items,
                searches=items,
                tell=lambda what: bar.update(task, description=what),
            )


def _mixture(captions: Path | None, bits: int) -> tuple[Mixture, str]:
    from scenograph.bench import codes
    from scenograph.cli.captions import read_captions
    from scenograph.cli.demo_photos import captioned
    from scenograph.packs import open_pack

    chosen = list(islice(read_captions(captions), 600)) if captions else captioned()
    pairs = [(photo.path, photo.captions) for photo in chosen]
    with progress() as bar:
        task = bar.add_task("codes", total=len(pairs))
        made = codes.project(
            open_pack("default"), pairs, lambda what, done, of: bar.update(task, completed=done, total=of)
        )
    source = captions.parent.name if captions else "the demo"
    return codes.Mixture(made.cut(bits)), f"codes around {len(pairs)} photographs of {source}"


def _size(mixture: Mixture, items: int, dimension: int, searches: int, place: Path | None) -> Size:
    from scenograph.bench import cost as bench

    with progress() as bar:
        task = bar.add_task(f"{items:,}", total=None)

        def tell(what: str, done: int, of: int) -> None:
            bar.update(task, description=f"{items:,}: {what}", completed=done, total=of)

        return bench.measure(mixture, items, dimension, searches=searches, place=place, tell=tell)
