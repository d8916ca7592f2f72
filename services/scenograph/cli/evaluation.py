"""Retrieval through a server: every sentence looks for its photo, every photo for one of its sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import cast

from rich.progress import Progress

from scenograph.cli.captions import Captioned
from scenograph.cli.output import progress
from scenograph.cli.ways import Way, supported
from scenograph.client import AsyncClient, Hit, IngestStatus, Item
from scenograph.client.arguments import SearchArguments, StageName
from scenograph.client.errors import CollectionExists
from scenograph.metrics.retrieval import first_right_ranks_of_lists, summarize

DEPTH = 200
"""Hits asked for: a rank beyond counts as not found; recall at 10 and a median below do not notice."""
SHOWN, SHOWN_HITS = 6, 5
"""Examples of each direction, and hits of each."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search to run, and the items that are right answers to it."""

    right: set[str]
    look: Callable[[], Awaitable[list[str]]]


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


def check_stages(names: Sequence[str]) -> list[StageName]:
    """The stages of these names. Errors: ValueError."""
    known = ("coarse", "float", "graph")
    for name in names:
        if name not in known:
            raise ValueError(f"a stage is one of {', '.join(known)}, not {name!r}")
    return [cast(StageName, name) for name in names]


async def measure(
    address: str,
    collection: str,
    photos: Sequence[Captioned],
    ways: Sequence[Way],
    concurrency: int,
    *,
    examples: bool = False,
) -> Evaluation:
    """Fill the collection where it is not there, then run both directions in each way of ranking.

    `examples` asks for a few queries with their best hits, in the last way.
    """
    async with AsyncClient(address, timeout=600) as client:
        with progress() as bar:
            failures = await _fill(client, collection, photos, bar)
            ways, skipped = await supported(client, collection, ways)
            rows = []
            for way in ways:
                for direction, searches in (
                    ("text to image", _sentence_searches(client, collection, photos, way)),
                    ("image to text", _photo_searches(client, collection, photos, way)),
                ):
                    task = bar.add_task(f"{direction}, {way.name}", total=len(searches))
                    found = await run_together(searches, concurrency, partial(bar.advance, task))
                    rows.append(score(direction, way.name, searches, found))
            shown = await _examples(client, collection, photos, ways[-1]) if examples and ways else []
        info = await client.server_info()
    sentences = sum(len(photo.captions) for photo in photos)
    return Evaluation(
        len(photos),
        sentences,
        info.pack_version,
        DEPTH,
        tuple(rows),
        tuple(failures),
        tuple(skipped),
        tuple(shown),
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


def _of_sentence(sentence: str, way: Way, limit: int) -> SearchArguments:
    return {"text": sentence, "returning": "image", "limit": limit, "bypass_cache": True, **way.arguments}


def _of_photo(photo: Captioned, way: Way, limit: int) -> SearchArguments:
    return {"image": photo.path, "returning": "text", "limit": limit, "bypass_cache": True, **way.arguments}


def _sentence_searches(
    client: AsyncClient, collection: str, photos: Sequence[Captioned], way: Way
) -> list[Search]:
    async def look(sentence: str) -> list[str]:
        page = await client.search(collection, **_of_sentence(sentence, way, DEPTH))
        return [hit.id for hit in page]

    return [Search({photo.name}, partial(look, text)) for photo in photos for text in photo.captions]


def _photo_searches(
    client: AsyncClient, collection: str, photos: Sequence[Captioned], way: Way
) -> list[Search]:
    async def look(photo: Captioned) -> list[str]:
        page = await client.search(collection, **_of_photo(photo, way, DEPTH))
        return [hit.id for hit in page]

    return [Search({photo.name}, partial(look, photo)) for photo in photos if photo.captions]


async def _examples(
    client: AsyncClient, collection: str, photos: Sequence[Captioned], way: Way
) -> list[Shown]:
    """Evenly spaced sentences, then photos, with their best hits."""
    told = [photo for photo in photos if photo.captions]
    chosen = told[:: max(1, len(told) // SHOWN)][:SHOWN]
    shown = []
    for photo in chosen:
        arguments = _of_sentence(photo.captions[0], way, SHOWN_HITS)
        shown.append(Shown(photo, photo.captions[0], tuple(await client.search(collection, **arguments))))
    for photo in chosen:
        arguments = _of_photo(photo, way, SHOWN_HITS)
        shown.append(Shown(photo, None, tuple(await client.search(collection, **arguments))))
    return shown


async def run_together(
    searches: Sequence[Search], concurrency: int, done: Callable[[], None]
) -> list[list[str]]:
    """What each search finds, in order; at most `concurrency` are under way."""
    waiting = iter(enumerate(searches))
    found: list[list[str]] = [[] for _ in searches]

    async def work() -> None:
        for position, search in waiting:
            found[position] = await search.look()
            done()

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    return found


def score(direction: str, stage: str, searches: Sequence[Search], found: Sequence[Sequence[str]]) -> Row:
    """Recalls and median rank of what the searches found."""
    ranks = first_right_ranks_of_lists(found, [search.right for search in searches])
    summary = summarize(ranks, (1, 5, 10))
    median = summary.median_rank if isfinite(summary.median_rank) else None
    first, fifth, tenth = (summary.recall[k] for k in (1, 5, 10))
    return Row(direction, stage, summary.queries, first, fifth, tenth, median)
