"""`scenograph demo`: a server of its own, real photographs, and the three kinds of query over gRPC."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.rule import Rule

from scenograph.cli.demo_photos import items, photo
from scenograph.cli.output import out, print_error, progress
from scenograph.cli.pack import Packs, pack_or_build
from scenograph.cli.search import print_page
from scenograph.client import Client

COLLECTION = "demo"


def demo(
    packs: Packs = None,
    draw: Annotated[
        Path, typer.Option(metavar="OUT.png", help="Where to write a photo with what was seen in it.")
    ] = Path("demo.png"),
) -> None:
    """Index the sample photographs of scikit-image and search them; everything runs on this machine."""
    from scenograph.cli.server_process import ServerProcess

    pack = pack_or_build(packs)
    out.print(f"model pack {pack.id}", highlight=False)
    with tempfile.TemporaryDirectory(prefix="scenograph-demo-") as folder:
        began = time.monotonic()
        settings = {"SCENOGRAPH_PACKS": str(packs)} if packs else {}
        with ServerProcess(Path(folder), settings=settings) as address:
            out.print(f"server ready at {address} after {time.monotonic() - began:.1f} s", highlight=False)
            with Client(address) as client:
                _store(client)
                _search(client)
                _rank(client)
                _describe(client, draw)
    out.print("server stopped")


def _store(client: Client) -> None:
    photos = items()
    client.create_collection(COLLECTION)
    began = time.monotonic()
    with progress() as bar:
        task = bar.add_task("ingest", total=len(photos))
        for status in client.ingest(COLLECTION, photos):
            bar.advance(task)
            if not status.ok:
                print_error(f"{status.item_id}: {status.error}")
                raise typer.Exit(1)
    took = time.monotonic() - began
    out.print(f"{len(photos)} photographs stored in {took:.1f} s", highlight=False)


def _search(client: Client) -> None:
    _title("a sentence", "a red motorbike in a garage")
    page = client.search(COLLECTION, text="a red motorbike in a garage", limit=3, explain=True)
    print_page(page, explain=True, tell_next=False)

    _title("a sentence, of colour photographs about space only", "a person in a space suit")
    where = 'topic = "space" AND colour = true'
    page = client.search(COLLECTION, text="a person in a space suit", filter=where, limit=3, explain=True)
    print_page(page, explain=True, tell_next=False)

    _title("a photograph", "motorcycle_right.png, taken a step to the right of one that is stored")
    page = client.search(COLLECTION, image=photo("motorcycle_right.png"), limit=3)
    print_page(page, explain=False, tell_next=False)

    _title("a photograph, for sentences", "coffee.png")
    page = client.search(COLLECTION, image=photo("coffee.png"), returning="text", limit=3)
    print_page(page, explain=False, tell_next=False)

    graph = "(cat), not (person)"
    _title("a graph with a required and a forbidden part", graph)
    page = client.search(COLLECTION, graph=graph, limit=3, explain=True)
    print_page(page, explain=True, tell_next=False)


def _rank(client: Client) -> None:
    texts = ["a dog on a sofa", "a cat's face", "a cup of coffee"]
    _title("sentences ranked against a photograph, nothing stored", f"chelsea.png: {', '.join(texts)}")
    for hit in client.rank(image=photo("chelsea.png"), texts=texts):
        out.print(f"  {hit.score:.3f}  {hit.text}", markup=False, highlight=False)


def _describe(client: Client, draw: Path) -> None:
    from scenograph.cli.graphs import draw_description

    source = photo("motorcycle_left.png")
    description = client.describe(source)
    _title("what the server sees in motorcycle_left.png", str(description.graph))
    draw_description(source, description, draw)
    out.print(f"drawn on {draw}", highlight=False)


def _title(kind: str, query: str) -> None:
    out.print()
    out.print(Rule(f"[bold]{kind}[/]", align="left"))
    out.print(query, style="cyan", markup=False, highlight=False)
