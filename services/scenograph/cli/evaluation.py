"""Retrieval through a server: every sentence looks for its photo, every photo for one of its sentences."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast

from rich.progress import Progress

from scenograph.cli.captions import Captioned
from scenograph.cli.output import progress
from scenograph.client import AsyncClient, IngestStatus, Item
from scenograph.client.arguments import StageName
from scenograph.client.errors import CollectionExists

DEPTH = 200
"""Hits asked for: a rank beyond counts as not found; recall at 10 and a median below do not notice."""

Search: TypeAlias = Callable[[], Awaitable[int | None]]


@dataclass(frozen=True, slots=True)
class Row:
    """One direction at one stage. Recalls in [0, 1]; `median_rank` counts from 1, None beyond the depth."""

    direction: str
    stage: StageName
    queries: int
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    median_rank: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured."""

    photos: int
    sentences: int
    pack_version: str
    depth: int
    rows: tuple[Row, ...]
    failures: tuple[IngestStatus, ...]


def check_stages(names: Sequence[str]) -> list[StageName]:
    """The stages of these names. Errors: ValueError."""
    known = ("coarse", "float", "graph")
    for name in names:
        if name not in known:
            raise ValueError(f"a stage is one of {', '.join(known)}, not {name!r}")
    return [cast(StageName, name) for name in names]


async def measure(
    address: str, collection: str, photos: Sequence[Captioned], stages: Sequence[StageName], concurrency: int
) -> Evaluation:
    """Fill the collection where it is not there, then run both directions at each stage."""
    async with AsyncClient(address, timeout=600) as client:
        with progress() as bar:
            failures = await _fill(client, collection, photos, bar)
            rows = []
            for stage in stages:
                for direction, searches in (
                    ("text to image", _sentence_searches(client, collection, photos, stage)),
                    ("image to text", _photo_searches(client, collection, photos, stage)),
                ):
                    task = bar.add_task(f"{direction}, {stage}", total=len(searches))
                    ranks = await _together(searches, concurrency, partial(bar.advance, task))
                    rows.append(_row(direction, stage, ranks))
        info = await client.server_info()
    sentences = sum(len(photo.captions) for photo in photos)
    return Evaluation(len(photos), sentences, info.pack_version, DEPTH, tuple(rows), tuple(failures))


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


def _sentence_searches(
    client: AsyncClient, collection: str, photos: Sequence[Captioned], stage: StageName
) -> list[Search]:
    """For each sentence, the rank of its photo."""

    async def rank(sentence: str, name: str) -> int | None:
        page = await client.search(
            collection, text=sentence, returning="image", limit=DEPTH, stage=stage, bypass_cache=True
        )
        return _rank(name, [hit.id for hit in page])

    return [partial(rank, sentence, photo.name) for photo in photos for sentence in photo.captions]


def _photo_searches(
    client: AsyncClient, collection: str, photos: Sequence[Captioned], stage: StageName
) -> list[Search]:
    """For each photo, the rank of the first of its sentences."""

    async def rank(photo: Captioned) -> int | None:
        page = await client.search(
            collection, image=photo.path, returning="text", limit=DEPTH, stage=stage, bypass_cache=True
        )
        return _rank(photo.name, [hit.id for hit in page])

    return [partial(rank, photo) for photo in photos]


def _rank(name: str, found: Sequence[str]) -> int | None:
    """Where the first hit of the item is, from 1; None where it is not among the hits."""
    return found.index(name) + 1 if name in found else None


async def _together(
    searches: Sequence[Search], concurrency: int, done: Callable[[], None]
) -> list[int | None]:
    """The searches' answers in order, at most `concurrency` under way."""
    waiting = iter(enumerate(searches))
    answers: list[int | None] = [None] * len(searches)

    async def work() -> None:
        for position, search in waiting:
            answers[position] = await search()
            done()

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    return answers


def _row(direction: str, stage: StageName, ranks: Sequence[int | None]) -> Row:
    first, fifth, tenth = (
        sum(rank is not None and rank <= k for rank in ranks) / len(ranks) for k in (1, 5, 10)
    )
    known = statistics.median([DEPTH + 1 if rank is None else rank for rank in ranks])
    return Row(direction, stage, len(ranks), first, fifth, tenth, known if known <= DEPTH else None)
