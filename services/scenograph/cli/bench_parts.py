"""`scenograph bench encode | index | match | ingest | all`: parts beside what there is without them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenograph.cli.bench_inputs import OwnServer, Photos, Seconds, drawn, pictures, served
from scenograph.cli.evaluate_output import ReportFolder, put_out
from scenograph.cli.options import Json
from scenograph.cli.output import progress

if TYPE_CHECKING:
    from scenograph.cli.reports.report import Section

CONCURRENCIES = (1, 4, 16, 64)
Concurrencies = Annotated[
    list[int] | None,
    typer.Option("--concurrency", min=1, help="Callers at a time; 1, 4, 16 and 64 by default."),
]
Parts = Annotated[
    list[int] | None,
    typer.Option("--parts", min=1, max=64, help="Texts or images in a call; 1 and 32 by default."),
]
Rounds = Annotated[int, typer.Option(min=1, help="Rounds; figures are medians over them.")]
Threads = Annotated[int, typer.Option(min=1, help="Workers of the server started, threads of the bare loop.")]
Codes = Annotated[int, typer.Option("--codes", "--entries", min=1, help="Codes in the index.")]
Captions = Annotated[
    Path | None,
    typer.Option("--captions", metavar="FILE", help="Photographs with sentences, JSONL; else the demo's."),
]


def encode(
    concurrency: Concurrencies = None,
    parts: Parts = None,
    seconds: Seconds = 1.0,
    rounds: Rounds = 1,
    threads: Threads = 2,
    pack: Annotated[str, typer.Option(help="The bare loop's pack: that of the server.")] = "default",
    photos: Photos = None,
    server: OwnServer = "",
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Texts and images a second through the encoder service, beside its models in a bare ONNX Runtime loop.

    Calls have one text or image each, then 32, as backends encode in batches; of those no more are made at a
    time than have 256 parts under way. The bare loop is measured with several sizes of batches, each thread a
    loop of its own and all threads in one run, in the same run.
    """
    with served(server, "encoder", workers=threads) as address:
        section, about = _encode(address, concurrency, parts, seconds, rounds, threads, pack, photos)
    put_out_sections("Encoding", [section], {"pictures": about}, report, as_json=as_json)


def index(
    codes: Codes = 1_000_000,
    bits: Annotated[int, typer.Option(min=64, help="Length of the codes: 64, 128 or 256.")] = 256,
    keep: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Entries that a search keeps; 10, 100 and 1000 by default."),
    ] = None,
    queries: Annotated[int, typer.Option(min=1, help="Searches of each kind.")] = 20,
    recall: Annotated[
        float, typer.Option(min=0.01, max=0.999, help="Share of the nearest that lists are made to find.")
    ] = 0.97,
    startup: Annotated[
        int, typer.Option(min=0, help="Also write a collection of so many items, and time its start.")
    ] = 0,
    captions: Captions = None,
    photos: Annotated[int, typer.Option(min=1, help="Photographs of --captions to take.")] = 600,
    pack: Annotated[str, typer.Option(help="The pack whose codes they are.")] = "default",
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Milliseconds of a Hamming search, over all codes and over lists, beside FAISS called directly on the
    same.

    Codes are made around those of photographs and sentences; queries are sentences held out. With few of
    them, as those of the demo, codes lie closer together than those of a real collection.
    """
    sections, about = _index(
        codes, bits, keep or [10, 100, 1000], queries, recall, startup, captions, photos, pack
    )
    put_out_sections("Hamming search", sections, {"codes": about}, report, as_json=as_json)


def match(
    candidates: Annotated[int, typer.Option(min=1, help="Candidates of a call.")] = 100,
    repeats: Annotated[int, typer.Option(min=1, help="Calls of each kind.")] = 60,
    photos: Photos = None,
    server: OwnServer = "",
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Milliseconds of laying a sentence's graph on 100 pictures' graphs, with one caller and one worker."""
    with served(server, workers=1) as address:
        section, about = _match(address, candidates, repeats, photos)
    put_out_sections("Graph matching", [section], {"pictures": about}, report, as_json=as_json)


def ingest(
    items: Annotated[int, typer.Option(min=1, help="Pictures to store, where none are given.")] = 40,
    photos: Photos = None,
    server: OwnServer = "",
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Items a second through the gateway: pictures, pictures with sentences, sentences."""
    with served(server) as address:
        section, about = _ingest(address, items, photos)
    put_out_sections("Ingest", [section], {"pictures": about}, report, as_json=as_json)


def everything(
    seconds: Seconds = 1.0,
    entries: Codes = 1_000_000,
    photos: Photos = None,
    captions: Captions = None,
    server: OwnServer = "",
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """All of the benchmarks of parts, in one report."""
    with served(server, workers=2) as address:
        encoding, about = _encode(address, None, None, seconds, 1, 2, "default", photos)
        matching, _ = _match(address, 100, 60, photos)
        ingesting, _ = _ingest(address, 40, photos)
    searching, _ = _index(entries, 256, [1000], 20, 0.97, 0, captions, 600, "default")
    sections = [encoding, *searching, matching, ingesting]
    put_out_sections("Parts", sections, {"pictures": about}, report, as_json=as_json)


def _encode(
    address: str,
    concurrency: list[int] | None,
    parts: list[int] | None,
    seconds: float,
    rounds: int,
    threads: int,
    pack: str,
    photos: Path | None,
) -> tuple[Section, str]:
    from scenograph.bench import encode as bench
    from scenograph.cli.reports.parts import encode_section
    from scenograph.packs import open_pack

    callers, sizes = concurrency or list(CONCURRENCIES), parts or list(bench.PARTS)
    files, about = pictures(photos)
    steps = rounds * len(bench.KINDS) * (len(bench.loads(callers, sizes)) + len(bench.layouts(threads)))
    with progress() as bar:
        task = bar.add_task("encode", total=steps)
        results = bench.measure(
            address,
            open_pack(pack),
            files,
            concurrencies=callers,
            parts=sizes,
            seconds=seconds,
            rounds=rounds,
            threads=threads,
            tell=lambda line: bar.update(task, advance=1, description=line),
        )
    return encode_section(results, threads), about


def _index(
    codes: int,
    bits: int,
    keep: list[int],
    queries: int,
    recall: float,
    startup: int,
    captions: Path | None,
    photos: int,
    pack: str,
) -> tuple[list[Section], str]:
    from scenograph.bench import codes as made
    from scenograph.bench import index as bench
    from scenograph.bench import startup as starts
    from scenograph.cli.captions import read_captions
    from scenograph.cli.demo_photos import captioned
    from scenograph.cli.reports.parts import index_section, startup_section
    from scenograph.packs import open_pack

    chosen = list(islice(read_captions(captions), photos)) if captions else captioned()
    with progress() as bar:
        task = bar.add_task("codes", total=None)

        def tell(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of)

        pairs = [(photo.path, photo.captions) for photo in chosen]
        mixture = made.Mixture(made.project(open_pack(pack), pairs, tell).cut(bits))
        found = bench.measure(mixture, codes, keep=keep, queries=queries, recall=recall, tell=tell)
        sections = [index_section(found)]
        if startup:
            sections.append(startup_section(starts.measure(mixture, startup, tell)))
    about = f"{len(pairs)} photographs of {captions or 'the demo'} with their sentences"
    return sections, about


def _match(address: str, candidates: int, repeats: int, photos: Path | None) -> tuple[Section, str]:
    from scenograph.bench import match as bench
    from scenograph.cli.reports.parts import match_section

    files, about = pictures(photos)
    results = [
        bench.measure(address, files, candidates=candidates, repeats=repeats, explain=explain)
        for explain in (False, True)
    ]
    return match_section(results), about


def _ingest(address: str, items: int, photos: Path | None) -> tuple[Section, str]:
    from scenograph.bench import ingest as bench
    from scenograph.cli.reports.parts import ingest_section

    files, about = pictures(photos) if photos else (drawn(items), f"{items} drawn ones")
    return ingest_section(bench.measure(address, files, texts=5 * len(files))), about


def put_out_sections(
    title: str, sections: list[Section], facts: dict[str, str], folder: Path | None, *, as_json: bool
) -> None:
    """A report of a benchmark, with what ran where."""
    from scenograph.cli.reports.facts import run_facts
    from scenograph.cli.reports.report import Report

    run = run_facts(**facts)
    told = f"{run['machine']}; scenograph {run['scenograph']}, {run['packages']}"
    put_out(Report(title, run, tuple(sections), told), folder, as_json)
