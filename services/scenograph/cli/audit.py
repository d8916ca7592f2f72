"""`scenograph audit`: the audit log."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from scenograph.cli.options import Json
from scenograph.cli.output import err, out, print_json

app = typer.Typer(no_args_is_help=True)


@app.callback()
def audit() -> None:
    """The audit log."""


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The log; FILE.head beside it is read too.")],
    as_json: Json = False,
) -> None:
    """Tell whether a line was changed, taken out or moved. Exit code 1 where one was.

    A line that a crash cut short is told apart: nobody was answered before theirs was whole.
    """
    from scenograph.runtime.security.audit.verify import verify as verified

    found = verified(file)
    if as_json:
        print_json(asdict(found))
    else:
        for problem in found.problems:
            err.print(f"line {problem.line}: {problem.what}", highlight=False)
        for line in found.torn:
            out.print(f"line {line}: cut short by a crash", highlight=False)
        state = f"{len(found.problems)} problems" if found.problems else "unbroken"
        last = f"{found.last.seq} {found.last.digest}"
        out.print(f"{found.lines} lines, {state}; the last is {last}", highlight=False)
    if found.problems:
        raise typer.Exit(1)
