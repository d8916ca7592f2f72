"""`scenograph bench`: load on a server, and benchmarks of parts."""

from __future__ import annotations

import typer

from scenograph.cli import bench_capacity, bench_cost, bench_load, bench_parts, bench_swap

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Put load on a server, or measure a part beside what there is without it."""


app.command("load")(bench_load.load)
app.command("encode")(bench_parts.encode)
app.command("index")(bench_parts.index)
app.command("match")(bench_parts.match)
app.command("ingest")(bench_parts.ingest)
app.command("cached")(bench_capacity.cached)
app.command("overhead")(bench_capacity.overhead)
app.command("overload")(bench_capacity.overload)
app.command("cost")(bench_cost.cost)
app.command("swap")(bench_swap.swap)
app.command("all")(bench_parts.everything)
