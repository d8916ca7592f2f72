"""`scenograph serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    service: Annotated[
        str,
        typer.Argument(
            help="visual, textual, encoder, hashing, matching, index or gateway; all of them without it."
        ),
    ] = "",
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 for any free one. Default: 7700.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the index.")] = None,
    index: Annotated[
        str | None, typer.Option(metavar="URL", help="Milvus for the index: milvus://host:19530.")
    ] = None,
    pack: Annotated[
        str | None, typer.Option(help='Model pack: "name" for its newest build, or "name@version".')
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Settings file; all settings: docs/guides/operate.md."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that serve on the port together. Default: 1.")
    ] = None,
    supervised: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Serve over gRPC until SIGTERM or Ctrl-C."""
    from scenograph.cli.serve import run

    run(
        service,
        host=host,
        port=port,
        data=data,
        index=index,
        pack=pack,
        config=config,
        processes=processes,
        supervised=supervised,
    )
