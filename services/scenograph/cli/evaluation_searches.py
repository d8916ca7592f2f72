"""The searches of an evaluation: every sentence for its photo, every photo for its sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from scenograph.cli.captions import Captioned
from scenograph.cli.ways import Way, rankings
from scenograph.client import AsyncClient
from scenograph.client.arguments import SearchArguments

T = TypeVar("T")

DEPTH = 50
"""Hits asked for: a rank beyond counts as not found; recall at 10 and a median below do not notice."""

Found: TypeAlias = "Mapping[str, list[str]]"
"""Ids of the best hits, by the name of the way of ranking."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search to run, and the items that are right answers to it."""

    right: set[str]
    look: Callable[[], Awaitable[Found]]


def of_sentence(sentence: str, limit: int = DEPTH) -> SearchArguments:
    """A search for a sentence's photo."""
    return {"text": sentence, "returning": "image", "limit": limit, "bypass_cache": True}


def of_photo(name: str, limit: int = DEPTH) -> SearchArguments:
    """A search for a photo's sentences, by the stored photo: its file gives the same vectors and graph."""
    return {"item_id": name, "returning": "text", "limit": limit, "bypass_cache": True}


def sentence_searches(
    client: AsyncClient, collection: str, photos: Sequence[Captioned], ways: Sequence[Way]
) -> list[Search]:
    """One for each sentence: for its photo."""
    return [
        Search({photo.name}, partial(rankings, client, collection, ways, of_sentence(text, DEPTH)))
        for photo in photos
        for text in photo.captions
    ]


def photo_searches(
    client: AsyncClient, collection: str, photos: Sequence[Captioned], ways: Sequence[Way]
) -> list[Search]:
    """One for each photo: for any of its sentences."""
    return [
        Search({photo.name}, partial(rankings, client, collection, ways, of_photo(photo.name, DEPTH)))
        for photo in photos
    ]


async def run_together(searches: Sequence[Search], concurrency: int, done: Callable[[], None]) -> list[Found]:
    """What each search finds, in order; at most `concurrency` are under way."""
    return await run_all([search.look for search in searches], concurrency, done)


async def run_all(
    jobs: Sequence[Callable[[], Awaitable[T]]], concurrency: int, done: Callable[[], None]
) -> list[T]:
    """What each job gives, in order; at most `concurrency` are under way."""
    waiting = iter(enumerate(jobs))
    found: dict[int, T] = {}

    async def work() -> None:
        for position, job in waiting:
            found[position] = await job()
            done()

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    return [found[position] for position in range(len(jobs))]
