"""`scenograph bench swap`: what switching packs costs the calls that go on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from scenograph.cli.bench_inputs import Photos, pictures
from scenograph.cli.evaluate_output import ReportFolder, put_out
from scenograph.cli.options import Json
from scenograph.cli.output import progress
from scenograph.cli.server_process import ServerProcess

STORED = 40
"""Pictures in the collection that is searched, at most."""


def swap(
    rate: Annotated[int, typer.Option(min=1, help="Calls a second of each of two methods.")] = 10,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1.0, help="How long each phase between switches lasts.")
    ] = 10.0,
    rounds: Annotated[int, typer.Option(min=1, help="Loads and switches; figures are of all of them.")] = 5,
    same_models: Annotated[
        bool, typer.Option("--same-models", help="The new pack's models are those of the old, and shared.")
    ] = False,
    pack: Annotated[str, typer.Option(help="The pack to serve, and to copy as another version.")] = "default",
    photos: Photos = None,
    report: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Load a pack beside the one that serves, switch, and roll back, under a load that goes on.

    A server is started in a temporary folder. Searches of a collection, and calls of Rank by the default
    pack, are made at a steady rate; latencies are from when a call was due. Exit code 1 where a call failed.
    """
    from scenograph.bench import swap as bench
    from scenograph.bench.packs import another_version
    from scenograph.cli.reports.facts import run_facts
    from scenograph.cli.reports.report import Report
    from scenograph.cli.reports.swap import swap_section
    from scenograph.packs import open_pack

    installed = open_pack(pack)
    files, about = pictures(photos)
    with tempfile.TemporaryDirectory(prefix="scenograph-") as name:
        folder = Path(name)
        packs = folder / "packs"
        (packs / installed.name).mkdir(parents=True)
        (packs / installed.name / installed.version).symlink_to(installed.folder)
        new = another_version(installed, packs, "99.0.0", same_models=same_models)
        settings = {"SCENOGRAPH_PACKS": str(packs), "SCENOGRAPH_PACK": installed.id}
        with ServerProcess(folder, settings=settings) as address, progress() as bar:
            task = bar.add_task("swap", total=4 * rounds)
            found = bench.measure(
                address,
                installed.id,
                new.id,
                files[:STORED],
                rate=rate,
                seconds=seconds,
                rounds=rounds,
                tell=lambda line: bar.update(task, advance=1, description=line),
            )
    run = run_facts(pictures=about)
    told = f"{run['machine']}; scenograph {run['scenograph']}, {run['packages']}"
    put_out(Report("Swap of packs", run, (swap_section(found),), told), report, as_json)
    if found.failed:
        raise typer.Exit(1)
