"""`scenograph bench encode | index | match | ingest | all`: parts beside what there is without them."""

from __future__ import annotations

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
Rounds = Annotated[int, typer.Option(min=1, help="Rounds; figures are medians over them.")]
Threads = Annotated[int, typer.Option(min=1, help="Workers of the server started, threads of the bare loop.")]
Entries = Annotated[int, typer.Option(min=1, help="Codes in the index.")]


def encode(
    concurrency: Concurrencies = None,
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

    Calls have one text or image each; the bare loop is measured with several sizes of batches, in the same
    run.
    """
    with served(server, "encoder", workers=threads) as address:
        section, about = _encode(address, concurrency, seconds, rounds, threads, pack, photos)
    put_out_sections("Encoding", [section], {"pictures": about}, report, as_json=as_json)


def index(
    entries: Entries = 1_000_000,
    bits: Annotated[int, typer.Option(min=64, help="Length of the codes: 64, 128 or 256.")] = 256,
    keep: Annotated[int, typer.Option(min=1, help="Entries that a search keeps.")] = 1000,
    queries: Annotated[int, typer.Option(min=1, help="Searches of each kind.")] = 20,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Milliseconds of a Hamming search over random codes, beside FAISS called directly on the same."""
    put_out_sections("Hamming search", [_index(entries, bits, keep, queries)], {}, report, as_json=as_json)


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
    entries: Entries = 1_000_000,
    photos: Photos = None,
    server: OwnServer = "",
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """All of the benchmarks of parts, in one report."""
    with served(server, workers=2) as address:
        encoding, about = _encode(address, None, seconds, 1, 2, "default", photos)
        matching, _ = _match(address, 100, 60, photos)
        ingesting, _ = _ingest(address, 40, photos)
    sections = [encoding, _index(entries, 256, 1000, 20), matching, ingesting]
    put_out_sections("Parts", sections, {"pictures": about}, report, as_json=as_json)


def _encode(
    address: str,
    concurrency: list[int] | None,
    seconds: float,
    rounds: int,
    threads: int,
    pack: str,
    photos: Path | None,
) -> tuple[Section, str]:
    from scenograph.bench import encode as bench
    from scenograph.cli.reports.parts import encode_section
    from scenograph.packs import open_pack

    chosen, (files, about) = concurrency or list(CONCURRENCIES), pictures(photos)
    steps = rounds * len(bench.KINDS) * (len(chosen) + len(bench.BATCHES))
    with progress() as bar:
        task = bar.add_task("encode", total=steps)
        results = bench.measure(
            address,
            open_pack(pack),
            files,
            concurrencies=chosen,
            seconds=seconds,
            rounds=rounds,
            threads=threads,
            tell=lambda line: bar.update(task, advance=1, description=line),
        )
    return encode_section(results, threads), about


def _index(entries: int, bits: int, keep: int, queries: int) -> Section:
    from scenograph.bench import index as bench
    from scenograph.cli.reports.parts import index_section

    return index_section(bench.measure(entries, bits=bits, keep=keep, queries=queries))


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
