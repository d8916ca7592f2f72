"""`scenograph key`: API keys."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from scenograph.cli.output import err, print_json

app = typer.Typer(no_args_is_help=True)


@app.callback()
def keys() -> None:
    """API keys."""


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Who will use it: letters, digits and . _ @ - alone.")],
    role: Annotated[
        list[str] | None,
        typer.Option(metavar="COLLECTION=ROLE", help='reader, writer or admin; "*=reader" for all others.'),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help='Access labels that they hold; "*" for all.')
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Make a key: it is shown this once. Paste what follows it into the principals file."""
    from scenograph.runtime.security.keys import key_digest, new_key
    from scenograph.runtime.security.principals import parse_principals

    key = new_key()
    lines = _entry(name, key_digest(key), role or ["*=reader"], label or [])
    parse_principals(lines)  # what is wrong with the name or a role is told here
    if as_json:
        print_json({"key": key, "principal": lines})
        return
    err.print("the key, shown this once:")
    typer.echo(key)
    err.print("for the principals file:")
    typer.echo(lines)


def _entry(name: str, digest: str, roles: list[str], labels: list[str]) -> str:
    held = {collection: known for collection, _, known in (role.rpartition("=") for role in roles)}
    inner = ", ".join(f"{_quoted(collection)} = {_quoted(known)}" for collection, known in held.items())
    shown = '"*"' if labels == ["*"] else f"[{', '.join(map(_quoted, labels))}]"
    return "\n".join(
        (
            "[[principal]]",
            f"name = {_quoted(name)}",
            f'key_sha256 = ["{digest}"]',
            f"roles = {{{inner}}}",
            f"labels = {shown}",
        )
    )


def _quoted(text: str) -> str:
    """As a TOML string (those of JSON are)."""
    return json.dumps(text, ensure_ascii=False)
