"""Ways of ranking to compare: the stages, and each part of them alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from scenograph.client import AsyncClient, Page
from scenograph.client.arguments import SearchArguments, StageName
from scenograph.client.errors import FailedPrecondition, InvalidInput

LEVELS = ("scene", "object", "relation", "label")
STAGES: tuple[StageName, ...] = ("coarse", "float", "graph")


@dataclass(frozen=True, slots=True)
class Way:
    """A name, and the options of a search that make it."""

    name: str
    arguments: SearchArguments


def stage_ways(stages: Iterable[StageName]) -> list[Way]:
    """The ranking as it stands after each stage."""
    return [Way(stage, {"stage": stage}) for stage in stages]


def passes(ways: Iterable[Way]) -> list[tuple[Way, ...]]:
    """The ways in groups that one search answers: all stages together, everything else alone.

    A staged search ranks the same candidates at each stage as a search that ends there.
    """
    groups: list[tuple[Way, ...]] = []
    stages: list[Way] = []
    for way in ways:
        if way.name in STAGES:
            stages.append(way)
        else:
            groups.append((way,))
    return [*groups, tuple(stages)] if stages else groups


async def rankings(
    client: AsyncClient, collection: str, ways: Sequence[Way], query: SearchArguments
) -> Mapping[str, list[str]]:
    """The ids of the best hits in each way of one pass, by the way's name.

    Errors: ValueError where the server ranked by less than was asked for.
    """
    if len(ways) == 1:
        arguments: SearchArguments = {**query, **ways[0].arguments}
        return {ways[0].name: _ids(await client.search(collection, **arguments))}
    last = max((cast(StageName, way.name) for way in ways), key=STAGES.index)
    staged: SearchArguments = {**query, "stage": last}
    wanted = {way.name for way in ways}
    pages = {seen.stage: seen.page async for seen in client.search_stream(collection, **staged)}
    return {stage: _ids(page) for stage, page in pages.items() if stage in wanted}


def _ids(page: Page) -> list[str]:
    if page.report.degraded:
        raise ValueError(f"the server answered by less than was asked for: {page.report.degraded_reason}")
    return [hit.id for hit in page]


def ablations() -> list[Way]:
    """One level of the embedding at a time, one score at a time, one matcher at a time."""
    return [
        *(Way(f"float, {name} alone", {"stage": "float", "level_weights": {name: 1.0}}) for name in LEVELS),
        Way("graph score alone", {"weights": {"graph": 1.0}}),
        Way("graph, learned match alone", {"match_weights": {"learned": 1.0}}),
        Way("graph, symbolic match alone", {"match_weights": {"symbolic": 1.0}}),
    ]


async def supported(client: AsyncClient, collection: str, ways: Sequence[Way]) -> tuple[list[Way], list[str]]:
    """The ways that the server's pack can rank in, and why not the others."""
    kept, skipped = [], []
    for way in ways:
        try:
            probe: SearchArguments = {"text": "a dog", "limit": 1, **way.arguments}
            await client.search(collection, **probe)
            kept.append(way)
        except (FailedPrecondition, InvalidInput) as error:
            skipped.append(f"{way.name}: {error}")
    return kept, skipped
