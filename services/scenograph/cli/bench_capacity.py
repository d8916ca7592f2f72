"""`scenograph bench cached | overhead | overload`: what a server can take, and what its gateway costs."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenograph.cli.bench_inputs import Photos, pictures
from scenograph.cli.bench_parts import Rounds, put_out_sections
from scenograph.cli.evaluate_output import ReportFolder
from scenograph.cli.options import Json
from scenograph.cli.output import progress
from scenograph.cli.server_process import ServerProcess

if TYPE_CHECKING:
    from scenograph.bench.overhead import Services

Callers = Annotated[int, typer.Option(min=1, help="Callers that call again as soon as they are answered.")]
Items = Annotated[int, typer.Option(min=1, help="Pictures in the collection that is searched.")]
SecondsEach = Annotated[float, typer.Option("--seconds", min=0.2, help="How long each load lasts.")]
Processes = Annotated[int, typer.Option(min=1, help="Processes of the server.")]


def cached(
    callers: Callers = 16,
    seconds: SecondsEach = 5.0,
    rounds: Rounds = 3,
    workers: Annotated[int, typer.Option(min=1, help="Processes that make the calls.")] = 1,
    cores: Annotated[int, typer.Option(min=1, help="Cores of each server; callers have the others.")] = 1,
    items: Items = 40,
    photos: Photos = None,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Cached searches a second beside an empty grpc.aio echo on the same cores, at saturation, in turns.

    The echo's messages are empty. Also tells what a call costs each server in processor time.
    """
    from scenograph.bench import cached as bench
    from scenograph.bench.collection import fill
    from scenograph.bench.cores import kept_to, split
    from scenograph.bench.echo import echo_process
    from scenograph.cli.reports.capacity import cached_section

    files, about = pictures(photos)
    servers, others = split(cores)
    with tempfile.TemporaryDirectory(prefix="scenograph-") as folder, ExitStack() as closing:
        server = ServerProcess(Path(folder))
        with kept_to(servers):
            closing.enter_context(server)
            echo = bench.Place(*closing.enter_context(echo_process()))
        assert server.process is not None
        fill(server.address, files, items)
        bar = closing.enter_context(progress())
        task = bar.add_task("cached", total=2 * rounds)
        result = bench.measure(
            bench.Place(server.address, server.process.pid),
            echo,
            callers=callers,
            workers=workers,
            seconds=seconds,
            rounds=rounds,
            cores=others,
            tell=lambda line: bar.update(task, advance=1, description=line),
        )
    put_out_sections(
        "Cached searches", [cached_section(result)], {"pictures": about}, report, as_json=as_json
    )


def overhead(
    searches: Annotated[int, typer.Option(min=1, help="Searches of each kind.")] = 100,
    items: Items = 120,
    photos: Photos = None,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """A cold search through the gateway beside its parts called bare, one after the other; one caller.

    Bare are the parse, the encoder, the hash head, the index and graph matching, on a copy of the index.
    """
    from scenograph.bench import overhead as bench
    from scenograph.bench.collection import fill
    from scenograph.cli.reports.capacity import overhead_section

    files, about = pictures(photos)
    with tempfile.TemporaryDirectory(prefix="scenograph-") as name:
        folder = Path(name)
        server = ServerProcess(folder)
        with server:
            fill(server.address, files, items)
        copy = folder / "copy"
        shutil.copytree(folder / "data", copy)

        async def measured(address: str) -> bench.Overhead:
            async with _services(copy) as services:
                with progress() as bar:
                    task = bar.add_task("overhead", total=searches)
                    return await bench.measure(
                        address, services, searches=searches, tell=lambda line: bar.update(task, advance=1)
                    )

        with server:
            result = asyncio.run(measured(server.address))
    put_out_sections(
        "Gateway overhead", [overhead_section(result)], {"pictures": about}, report, as_json=as_json
    )


def overload(
    callers: Callers = 16,
    factor: Annotated[float, typer.Option(min=1.0, help="Load in multiples of the peak.")] = 2.0,
    seconds: SecondsEach = 15.0,
    deadline: Annotated[float, typer.Option(min=0.05, metavar="SECONDS", help="Of each search.")] = 2.0,
    rounds: Rounds = 3,
    processes: Processes = 1,
    items: Items = 120,
    photos: Photos = None,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Cold searches at twice the rate that a server can take: what is answered in time, what is refused, how.

    The peak is that of callers who wait for their answers; the overload comes when it is due. Told is the
    round whose share of goodput is the median.
    """
    from scenograph.bench import overload as bench
    from scenograph.bench.collection import fill
    from scenograph.cli.reports.capacity import overload_section

    files, about = pictures(photos)
    with tempfile.TemporaryDirectory(prefix="scenograph-") as folder:
        settings = {
            "SCENOGRAPH_METRICS_ADDRESS": "127.0.0.1:0",
            "SCENOGRAPH_PROCESSES": str(processes),
        }
        server = ServerProcess(Path(folder), settings=settings)
        with server, progress() as bar:
            fill(server.address, files, items)
            task = bar.add_task("overload", total=2 * rounds)
            result = bench.measure(
                server.address,
                callers=callers,
                factor=factor,
                seconds=seconds,
                deadline_s=deadline,
                rounds=rounds,
                degraded=lambda: sum(map(_degraded, _metrics(server))),
                tell=lambda line: bar.update(task, advance=1, description=line),
            )
    facts = {"pictures": about, "processes": str(processes)}
    put_out_sections("Overload", [overload_section(result, deadline)], facts, report, as_json=as_json)


def _metrics(server: ServerProcess) -> Iterator[str]:
    """Where the server's processes serve their metrics."""
    for part in server.ready.get("processes", [server.ready]):
        if part.get("metrics"):
            yield part["metrics"]


def _degraded(address: str) -> float:
    """How many answers of a process lacked a stage."""
    from prometheus_client.parser import text_string_to_metric_families

    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "scenograph_degraded_answers_total"
    )


ASKED = ("textual", "encoder", "hashing", "matching", "index")


@asynccontextmanager
async def _services(data: Path) -> AsyncIterator[Services]:
    """The services that a search asks, in this process."""
    from scenograph.bench.overhead import Services
    from scenograph.cli.compose.loading import begin
    from scenograph.cli.compose.process import Process
    from scenograph.cli.serve import settle
    from scenograph.runtime.settings import load_settings

    async with AsyncExitStack() as closing:
        process = Process(load_settings(data_dir=data), closing, services=ASKED)
        apps = await begin(process)
        found = Services(apps.textual, apps.encoder, apps.hashing, apps.index, apps.matching)
        await process.start()
        settle()
        yield found
