"""Compositional evaluation through a server: does a photo's true caption score above the false one?

Two ways to ask: each caption looks for the photo (Search, in a collection of the photos), or the photo ranks
its captions (Rank).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from rich.progress import Progress

from scenograph.cli.connection import api_key, tls
from scenograph.cli.output import progress
from scenograph.client import AsyncClient, Hit, Item
from scenograph.client.arguments import StageName
from scenograph.client.errors import CollectionExists
from scenograph.data.compositional import Accuracy, Case, by_kind
from scenograph.data.compositional.accuracy import accuracy

Way = Literal["caption", "photo"]
WAYS: tuple[Way, ...] = ("caption", "photo")
RANKED = 256  # captions in one call
ALL = "all"

Pair = tuple[str, str]  # photo, caption
Scores = dict[str, float]  # by stage; "graph alone" is the agreement of the graphs, levels are "level scene"


@dataclass(frozen=True, slots=True)
class Row:
    """One way to ask at one stage: the accuracy of each kind, and over all cases."""

    way: Way
    stage: str
    kinds: tuple[Accuracy, ...]


@dataclass(frozen=True, slots=True)
class Compositional:
    """All that was measured; `final` has for each case whether the last stage preferred the true caption."""

    pack_version: str
    rows: tuple[Row, ...]
    final: tuple[bool, ...]


def check_ways(names: Sequence[str]) -> list[Way]:
    """The ways to ask of these names. Errors: ValueError."""
    for name in names:
        if name not in WAYS:
            raise ValueError(f"--ask is one of {', '.join(WAYS)}, not {name!r}")
    return [cast(Way, name) for name in names]


async def measure(
    address: str,
    collection: str,
    cases: Sequence[Case],
    photos: Mapping[str, Path],
    ways: Sequence[Way],
    stages: Sequence[StageName],
    concurrency: int,
) -> Compositional:
    """Score every caption against its photo, each way and at each stage.

    Errors: ValueError (a photo that cannot be stored, naming it).
    """
    last: StageName = "graph" if "graph" in stages else "float" if "float" in stages else "coarse"
    pairs = list(
        dict.fromkeys((case.photo, text) for case in cases for text in (case.caption, case.negative))
    )
    rows: list[Row] = []
    final: list[bool] = []
    async with AsyncClient(address, timeout=600, tls=tls(), key=api_key()) as client:
        with progress() as bar:
            for way in ways:
                if way == "caption":
                    await _fill(client, collection, photos, bar)
                    found = await _by_caption(client, collection, pairs, last, concurrency, bar)
                else:
                    found = await _by_photo(client, pairs, photos, concurrency, bar)
                rows += score(way, cases, found, stages)
                final = final or [
                    found[case.photo, case.caption][last] > found[case.photo, case.negative][last]
                    for case in cases
                ]
        info = await client.server_info()
    return Compositional(info.pack_version, tuple(rows), tuple(final))


def score(
    way: Way, cases: Sequence[Case], found: Mapping[Pair, Scores], stages: Sequence[StageName]
) -> list[Row]:
    """The accuracies at each stage of what was scored, and at the parts of the score that came with it."""
    wanted = [*stages, *(["graph alone"] if "graph" in stages else [])]
    levels = sorted({name for scores in found.values() for name in scores if name.startswith("level ")})
    kinds = [case.kind for case in cases]
    rows = []
    for stage in [*wanted, *(levels if "float" in stages else [])]:
        true = [found[case.photo, case.caption][stage] for case in cases]
        false = [found[case.photo, case.negative][stage] for case in cases]
        rows.append(Row(way, stage, (*by_kind(kinds, true, false), accuracy(ALL, true, false))))
    return rows


async def _fill(client: AsyncClient, collection: str, photos: Mapping[str, Path], bar: Progress) -> None:
    """Store the photos that are not there."""
    known: set[str] = set()
    try:
        await client.create_collection(collection)
    except CollectionExists:
        known = {item.id async for page in client.list_items(collection, page_size=1000) for item in page}
    missing = {name: path for name, path in photos.items() if name not in known}
    task = bar.add_task("ingest", total=len(missing))
    async for status in client.ingest(collection, (Item(name, path) for name, path in missing.items())):
        if not status.ok:
            raise ValueError(f"{status.item_id}: {status.error}")
        bar.advance(task)


async def _by_caption(
    client: AsyncClient,
    collection: str,
    pairs: Sequence[Pair],
    last: StageName,
    concurrency: int,
    bar: Progress,
) -> dict[Pair, Scores]:
    """Each caption looks for its photo, and only for that."""
    task = bar.add_task("captions look for photos", total=len(pairs))
    found: dict[Pair, Scores] = {}

    async def look(pair: Pair) -> None:
        photo, caption = pair
        quoted = photo.replace("\\", "\\\\").replace('"', '\\"')
        page = await client.search(
            collection,
            text=caption,
            returning="image",
            filter=f'id = "{quoted}"',
            limit=1,
            stage=last,
            bypass_cache=True,
        )
        if not len(page):
            raise ValueError(f"{photo} is not in collection {collection!r}")
        found[pair] = _scores(next(iter(page)))
        bar.advance(task)

    await _together([lambda pair=pair: look(pair) for pair in pairs], concurrency)  # type: ignore[misc]
    return found


async def _by_photo(
    client: AsyncClient, pairs: Sequence[Pair], photos: Mapping[str, Path], concurrency: int, bar: Progress
) -> dict[Pair, Scores]:
    """Each photo ranks all captions, true and false, that are said of it."""
    captions: dict[str, list[str]] = {}
    for photo, caption in pairs:
        captions.setdefault(photo, []).append(caption)
    task = bar.add_task("photos rank captions", total=len(captions))
    found: dict[Pair, Scores] = {}

    async def look(photo: str) -> None:
        texts = captions[photo]
        for start in range(0, len(texts), RANKED):
            part = texts[start : start + RANKED]
            for hit in await client.rank(image=photos[photo], texts=part):
                found[photo, part[int(hit.id)]] = _scores(hit)
        bar.advance(task)

    await _together([lambda photo=photo: look(photo) for photo in captions], concurrency)  # type: ignore[misc]
    return found


def _scores(hit: Hit) -> Scores:
    """A hit's score at each stage: of two captions, each stage prefers the one with more."""
    parts = hit.parts
    levels = {f"level {name}": value for name, value in parts.levels.items()}
    return {
        "coarse": parts.coarse,
        "float": parts.cosine,
        "graph": hit.score,
        "graph alone": parts.graph,
        **levels,
    }


async def _together(jobs: Sequence[Callable[[], Awaitable[None]]], concurrency: int) -> None:
    """Run the jobs, at most `concurrency` under way."""
    waiting = iter(jobs)

    async def work() -> None:
        for job in waiting:
            await job()

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
