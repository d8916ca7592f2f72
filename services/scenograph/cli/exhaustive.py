"""The served ranking beside an exhaustive one: what is lost because few candidates go from stage to stage?

The coarse stage keeps K1 entries of the kind that is looked for (photos, or sentences), the graph stage
matches the best K2 of these. Exhaustive is a search that keeps every entry of that kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from rich.progress import Progress

from scenograph.cli.captions import Captioned
from scenograph.cli.evaluation_searches import of_photo, of_sentence, run_all
from scenograph.client import AsyncClient
from scenograph.client.arguments import SearchArguments

TOP = 10
EVERY = 10_000
"""The most that a search may keep."""
GRAPHS = 100
"""K2 of a search that does not say."""

Key: TypeAlias = tuple[str, int]  # an item, and which of its texts
Kept: TypeAlias = tuple[int, int]  # K1, K2


@dataclass(frozen=True, slots=True)
class Depths:
    """What to compare: for each K1 of `coarse`, in so many `queries` of each direction (0: all); in so many
    `deep` queries also with every candidate matched.
    """

    coarse: tuple[int, ...] = (1000,)
    queries: int = 0
    deep: int = 0


@dataclass(frozen=True, slots=True)
class Beside:
    """A search that keeps few candidates beside an exhaustive one, over queries, by their first TOP hits.

    `coarse`, `graph` are K1 and K2 of the one, `exhaustive_coarse`, `exhaustive_graph` of the other, which
    has `entries` to find. `same` is the share of the exhaustive search's hits that the other has too, in
    [0, 1]; `differing` counts the queries that have other hits, or the same in another order.
    """

    direction: str
    coarse: int
    graph: int
    exhaustive_coarse: int
    exhaustive_graph: int
    entries: int
    queries: int
    same: float
    differing: int


async def compare(
    client: AsyncClient,
    collection: str,
    photos: Sequence[Captioned],
    depths: Depths | None,
    concurrency: int,
    bar: Progress,
) -> list[Beside]:
    """Both directions, each K1. Errors: ValueError where the collection has more entries than a search may
    keep, or the server ranks by less than is asked for.
    """
    if depths is None:
        return []
    sentences = [of_sentence(text, TOP) for photo in photos for text in photo.captions]
    compared = []
    for direction, queries in (
        ("text to image", sentences),
        ("image to text", [of_photo(photo.name, TOP) for photo in photos]),
    ):
        plans: list[tuple[list[SearchArguments], list[Kept]]] = [
            (spread(queries, depths.queries), [*((k, GRAPHS) for k in depths.coarse), (EVERY, GRAPHS)])
        ]
        if depths.deep:
            deep = [*((k, graphs) for k in depths.coarse for graphs in (GRAPHS, k)), (EVERY, EVERY)]
            plans.append((spread(queries, depths.deep), deep))
        for chosen, kept in plans:
            task = bar.add_task(f"{direction}, exhaustive", total=len(chosen))
            look = partial(_look, client, collection, kept)
            found = await run_all(
                [partial(look, query) for query in chosen], concurrency, partial(bar.advance, task)
            )
            rows = [beside(direction, one, kept[-1], found) for one in kept[:-1]]
            bar.console.print(*map(told, rows), sep="\n", markup=False, highlight=False)
            compared += rows
    return compared


@dataclass(frozen=True, slots=True)
class Tops:
    """One query's first hits by what was kept, and how many entries there were to find."""

    entries: int
    hits: Mapping[Kept, list[Key]]


async def _look(client: AsyncClient, collection: str, kept: Sequence[Kept], query: SearchArguments) -> Tops:
    hits, entries = {}, 0
    for coarse, graph in kept:
        arguments: SearchArguments = {**query, "coarse_candidates": coarse, "graph_candidates": graph}
        page = await client.search(collection, **arguments)
        report, entries = page.report, page.report.considered
        if report.degraded:
            raise ValueError(f"the server answered by less than was asked for: {report.degraded_reason}")
        if coarse == EVERY and report.coarse_candidates < entries:
            raise ValueError(f"{entries} entries: an exhaustive search keeps {EVERY} at most")
        hits[coarse, graph] = [(hit.id, hit.text_index) for hit in page]
    return Tops(entries, hits)


def beside(direction: str, kept: Kept, exhaustive: Kept, found: Sequence[Tops]) -> Beside:
    """What the first hits have in common."""
    pairs = [(one.hits[kept], one.hits[exhaustive]) for one in found]
    shared = sum(len(set(less) & set(all_)) for less, all_ in pairs)
    return Beside(
        direction,
        *kept,
        *exhaustive,
        entries=found[0].entries,
        queries=len(found),
        same=shared / max(1, sum(len(all_) for _, all_ in pairs)),
        differing=sum(less != all_ for less, all_ in pairs),
    )


def spread(queries: Sequence[SearchArguments], count: int) -> list[SearchArguments]:
    """So many of them, evenly spread; all for 0."""
    if not 0 < count < len(queries):
        return list(queries)
    return [queries[place * len(queries) // count] for place in range(count)]


def told(row: Beside) -> str:
    """A row in words."""
    return (
        f"{row.direction}, K1 {row.coarse}, K2 {row.graph} beside all {row.entries} entries, "
        f"K2 {min(row.exhaustive_graph, row.entries)}: "
        f"{100 * row.same:.2f} % of the first {TOP} the same, "
        f"{row.differing} of {row.queries} rankings differ"
    )
