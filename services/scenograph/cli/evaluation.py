"""Retrieval through a server: every sentence looks for its photo, every photo for one of its sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import cast

from rich.progress import Progress

from scenograph.cli.captions import Captioned
from scenograph.cli.connection import api_key, tls
from scenograph.cli.evaluation_searches import (
    DEPTH,
    Found,
    Search,
    of_photo,
    of_sentence,
    photo_searches,
    run_together,
    sentence_searches,
)
from scenograph.cli.exhaustive import Beside, Depths, compare
from scenograph.cli.output import progress
from scenograph.cli.ways import STAGES, Way, passes, supported
from scenograph.client import AsyncClient, Hit, IngestStatus, Item
from scenograph.client.arguments import SearchArguments, StageName
from scenograph.client.errors import CollectionExists
from scenograph.metrics.retrieval import first_right_ranks_of_lists, summarize

SHOWN, SHOWN_HITS = 6, 5
"""Examples of each direction, and hits of each."""


@dataclass(frozen=True, slots=True)
class Row:
    """One direction in one way of ranking, named by `stage`.

    Recalls in [0, 1]; `median_rank` counts from 1, None beyond the depth.
    """

    direction: str
    stage: str
    queries: int
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    median_rank: float | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A query and its best hits, for the report. The query is a photo or one of its sentences."""

    photo: Captioned
    sentence: str | None
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured. `skipped` says which ways of ranking the server's pack has not, and why."""

    photos: int
    sentences: int
    pack_version: str
    depth: int
    rows: tuple[Row, ...]
    failures: tuple[IngestStatus, ...]
    skipped: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()
    exhaustive: tuple[Beside, ...] = ()


def check_stages(names: Sequence[str]) -> list[StageName]:
    """The stages of these names. Errors: ValueError."""
    for name in names:
        if name not in STAGES:
            raise ValueError(f"a stage is one of {', '.join(STAGES)}, not {name!r}")
    return [cast(StageName, name) for name in names]


async def measure(
    address: str,
    collection: str,
    photos: Sequence[Captioned],
    ways: Sequence[Way],
    concurrency: int,
    *,
    examples: bool = False,
    exhaustive: Depths | None = None,
) -> Evaluation:
    """Fill the collection where it is not there, then run both directions in each way of ranking.

    `examples` asks for a few queries with their best hits, in the last way; `exhaustive` for a comparison
    with exhaustive rankings. Figures are told on standard error as soon as they are measured.
    Errors: ValueError (the server ranks by less than is asked for).
    """
    async with AsyncClient(address, timeout=600, tls=tls(), key=api_key()) as client:
        with progress() as bar:
            failures = await _fill(client, collection, photos, bar)
            failed = {failure.item_id for failure in failures}
            stored = [photo for photo in photos if photo.name not in failed and photo.captions]
            ways, skipped = await supported(client, collection, ways)
            rows: list[Row] = []
            for group in passes(ways):
                for direction, searches in (
                    ("text to image", sentence_searches(client, collection, photos, group)),
                    ("image to text", photo_searches(client, collection, stored, group)),
                ):
                    what = f"{direction}, {' + '.join(way.name for way in group)}"
                    task = bar.add_task(what, total=len(searches))
                    found = await run_together(searches, concurrency, partial(bar.advance, task))
                    measured = [score(direction, way.name, searches, found) for way in group]
                    bar.console.print(*map(told, measured), sep="\n", markup=False, highlight=False)
                    rows += measured
            beside = await compare(client, collection, stored, exhaustive, concurrency, bar)
            shown = await _examples(client, collection, stored, ways[-1]) if examples and ways else []
        info = await client.server_info()
    sentences = sum(len(photo.captions) for photo in photos)
    order = [way.name for way in ways]
    rows.sort(key=lambda row: order.index(row.stage))
    return Evaluation(
        len(photos),
        sentences,
        info.pack_version,
        DEPTH,
        tuple(rows),
        tuple(failures),
        tuple(skipped),
        tuple(shown),
        tuple(beside),
    )


async def _fill(
    client: AsyncClient, collection: str, photos: Sequence[Captioned], bar: Progress
) -> list[IngestStatus]:
    """Ingest what is not there; the failures."""
    try:
        await client.create_collection(collection)
        known = set()
    except CollectionExists:
        pages = client.list_items(collection, page_size=1000)
        known = {item.id async for page in pages for item in page}
    missing = [photo for photo in photos if photo.name not in known]
    task = bar.add_task("ingest", total=len(missing))
    failures = []
    items = (Item(photo.name, photo.path, photo.captions) for photo in missing)
    async for status in client.ingest(collection, items):
        bar.advance(task)
        if not status.ok:
            failures.append(status)
    return failures


async def _examples(
    client: AsyncClient, collection: str, photos: Sequence[Captioned], way: Way
) -> list[Shown]:
    """Evenly spaced sentences, then photos, with their best hits."""
    chosen = photos[:: max(1, len(photos) // SHOWN)][:SHOWN]
    shown = []
    for photo in chosen:
        arguments: SearchArguments = {**of_sentence(photo.captions[0], SHOWN_HITS), **way.arguments}
        shown.append(Shown(photo, photo.captions[0], tuple(await client.search(collection, **arguments))))
    for photo in chosen:
        arguments = {**of_photo(photo.name, SHOWN_HITS), **way.arguments}
        shown.append(Shown(photo, None, tuple(await client.search(collection, **arguments))))
    return shown


def score(direction: str, way: str, searches: Sequence[Search], found: Sequence[Found]) -> Row:
    """Recalls and median rank of what the searches found in one way of ranking."""
    lists = [each[way] for each in found]
    ranks = first_right_ranks_of_lists(lists, [search.right for search in searches])
    summary = summarize(ranks, (1, 5, 10))
    median = summary.median_rank if isfinite(summary.median_rank) else None
    first, fifth, tenth = (summary.recall[k] for k in (1, 5, 10))
    return Row(direction, way, summary.queries, first, fifth, tenth, median)


def told(row: Row) -> str:
    """A row in words."""
    recalls = zip((1, 5, 10), (row.recall_at_1, row.recall_at_5, row.recall_at_10), strict=True)
    said = ", ".join(f"R@{k} {100 * recall:.1f}" for k, recall in recalls)
    median = f"> {DEPTH}" if row.median_rank is None else f"{row.median_rank:g}"
    return f"{row.direction}, {row.stage}: {said}, median rank {median} ({row.queries} queries)"
