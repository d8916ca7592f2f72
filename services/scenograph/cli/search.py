"""`scenograph search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.table import Table
from rich.text import Text

from scenograph.cli.credentials import key
from scenograph.cli.options import DEFAULT_ADDRESS, Json, Server, Timeout
from scenograph.cli.output import out, print_json
from scenograph.client import Client, Hit, Page, ScenographError
from scenograph.client.arguments import ModalityName, StageName
from scenograph.client.channel import DEFAULT_TIMEOUT


def search(
    collection: Annotated[str, typer.Argument(help="The collection to look through.")],
    text: Annotated[str | None, typer.Argument(help="A sentence to look for.")] = None,
    image: Annotated[Path | None, typer.Option(help="A photo to look for.")] = None,
    graph: Annotated[
        str | None, typer.Option(help='A graph to look for: "(dog)-\\[on]->(sofa {red}), not (cat)".')
    ] = None,
    like: Annotated[str | None, typer.Option(metavar="ID", help="An item to look for the like of.")] = None,
    filter: Annotated[str, typer.Option(help="Metadata filter: 'year >= 2020 AND tag = \"beach\"'.")] = "",
    limit: Annotated[int, typer.Option(help="At most this many hits.")] = 10,
    returning: Annotated[str, typer.Option(help="image or text")] = "image",
    explain: Annotated[bool, typer.Option("--explain", help="Say what matched, and where.")] = False,
    stage: Annotated[str, typer.Option(help="Last stage: coarse, float or graph.")] = "graph",
    weights: Annotated[
        str, typer.Option(metavar="NAME=W,...", help="Weights of the score: coarse=0,cosine=1,graph=1.")
    ] = "",
    levels: Annotated[
        str, typer.Option(metavar="NAME=W,...", help="Weights of the levels: scene=1,object=2,relation=0.")
    ] = "",
    match: Annotated[
        str, typer.Option(metavar="NAME=W,...", help="Weights of the graph match: learned=1,symbolic=0.")
    ] = "",
    exact: Annotated[
        bool, typer.Option("--exact", help="Look at every entry, also of a large collection.")
    ] = False,
    page_token: Annotated[str, typer.Option(help="The last answer's token, for its next page.")] = "",
    server: Server = DEFAULT_ADDRESS,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: Json = False,
) -> None:
    """Search by a sentence, a photo, a graph, an item, or several of them."""
    with Client(server, key=key(), timeout=timeout) as client:
        try:
            page = client.search(
                collection,
                text=text,
                image=image,
                graph=graph,
                item_id=like,
                filter=filter,
                limit=limit,
                returning=cast(ModalityName, returning),
                explain=explain,
                stage=cast(StageName, stage),
                page_token=page_token,
                weights=_weights(weights, "--weights"),
                level_weights=_weights(levels, "--levels"),
                match_weights=_weights(match, "--match"),
                exact=exact,
            )
        except ScenographError as error:
            faulty = filter if error.reason == "INVALID_FILTER" else graph
            if faulty:
                error.add_note(faulty)
            raise
    print_json(page) if as_json else print_page(page, explain=explain)


def print_page(page: Page, *, explain: bool, tell_next: bool = True) -> None:
    """The hits as a table, then how the search went, then how to see more."""
    table = Table("", "id", "score", "coarse", "cosine", "graph", "why" if explain else "text")
    for position, hit in enumerate(page.hits, start=1):
        scores = [f"{hit.score:.3f}", f"{hit.parts.coarse:.2f}", f"{hit.parts.cosine:.2f}"]
        graph = f"{hit.parts.graph:.2f}" if hit.parts.stage == "graph" else "-"
        why = reasons(hit) if explain else hit.text
        name = hit.id if hit.modality == "image" else f"{hit.id} [{hit.text_index}]"
        if explain and hit.text:
            why = f"{hit.text}\n{why}"
        table.add_row(str(position), Text(name), *scores, graph, Text(why))
    out.print(table)
    report = page.report
    stages = {stage: took for stage, took in page.timings.items() if "." not in stage}
    timings = ", ".join(f"{stage} {took:.0f}" for stage, took in stages.items())
    out.print(
        f"{report.considered} entries, {report.coarse_candidates} after Hamming, "
        f"{report.graph_candidates} graphs matched; ms: {timings}; cache {report.cache}",
        style="dim",
        highlight=False,
    )
    if report.degraded:
        out.print(f"degraded: {report.degraded_reason}", style="yellow")
    if page.next_page_token and tell_next:
        out.print(f"next page: --page-token {page.next_page_token}", style="dim", highlight=False)


def _weights(written: str, option: str) -> dict[str, float]:
    """From "scene=1,object=2" to a mapping; the empty one where nothing is written."""
    weights = {}
    for part in filter(None, (part.strip() for part in written.split(","))):
        name, _, value = part.partition("=")
        try:
            weights[name.strip()] = float(value)
        except ValueError:
            raise typer.BadParameter(f"{part!r} is not NAME=NUMBER", param_hint=option) from None
    return weights


def reasons(hit: Hit) -> str:
    """The cosines of the levels, what of the query a hit meets, and what it does not, a line each."""
    lines = [", ".join(f"{name} {cosine:.2f}" for name, cosine in hit.parts.levels.items())]
    if len(hit.parts.levels) < 2:
        lines = []  # the cosine itself
    if hit.agreement is not None and hit.agreement.learned is not None:
        lines.append(f"learned {hit.agreement.learned:.2f}, symbolic {hit.agreement.symbolic:.2f}")
    lines += [str(match) for match in hit.matches]
    lines += [f"not met: {part}" for part in hit.unmatched]
    lines += [f"there although it should not be: {part}" for part in hit.violations]
    return "\n".join(lines) or "-"
