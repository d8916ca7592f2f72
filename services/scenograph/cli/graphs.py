"""`scenograph parse` and `scenograph describe`: the scene graphs of sentences and photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.table import Table
from rich.text import Text

from scenograph.cli.credentials import key
from scenograph.cli.options import DEFAULT_ADDRESS, Json, Server
from scenograph.cli.output import err, out, print_json
from scenograph.client import Client, Description
from scenograph.client.arguments import ParserName
from scenograph.client.graphs import write_graph


def parse(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Sentences.")],
    parser: Annotated[
        str | None, typer.Option(help="neural or rules; without it the server's default.")
    ] = None,
    server: Server = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Show the scene graphs of sentences."""
    with Client(server, key=key()) as client:
        graphs = client.parse(texts, parser=cast(ParserName | None, parser))
    if as_json:
        print_json([{"text": text, "graph": graph} for text, graph in zip(texts, graphs, strict=True)])
        return
    for graph in graphs:
        out.print(str(graph), markup=False, highlight=False)


def describe(
    image: Annotated[Path, typer.Argument(help="A photo.")],
    draw: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Draw boxes, labels and relations on a copy.")
    ] = None,
    server: Server = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Show the scene graph of a photo."""
    with Client(server, key=key()) as client:
        description = client.describe(image)
    if draw is not None:
        draw_description(image, description, draw)
        err.print(f"drew {draw}", highlight=False)
    print_json(description) if as_json else print_description(description)


def print_description(description: Description) -> None:
    """Objects with their boxes, then relations, then what the whole image is of."""
    graph = description.graph
    table = Table("object", "attributes", "score", "box")
    for node in graph.nodes:
        attributes = ", ".join(str(item) for item in node.attributes)
        table.add_row(Text(node.label), attributes, f"{node.score:.2f}", str(node.box or ""))
    out.print(table)
    for edge in graph.edges:
        out.print(graph.relation(edge), markup=False, highlight=False)
    tags = ", ".join(f"{tag.label} {tag.score:.2f}" for tag in graph.tags[:5])
    out.print(f"whole image: {tags}", markup=False, highlight=False)


def draw_description(image: Path, description: Description, target: Path) -> None:
    """Write a copy of the photo with its boxes, labels and relations."""
    from scenograph.cli.draw import draw_graph
    from scenograph.runtime.converters import graph_from_pb

    draw_graph(image, graph_from_pb(write_graph(description.graph)), target)
