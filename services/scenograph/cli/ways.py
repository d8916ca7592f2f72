"""Ways of ranking to compare: the stages, and each part of them alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    """The ways in groups that share work: all stages, which one search answers; those that match graphs; the
    rest, which need no graph of the query.

    A staged search ranks the same candidates at each stage as a search that ends there.
    """
    groups: dict[str, list[Way]] = {"stages": [], "graph": [], "float": []}
    for way in ways:
        kind = "stages" if way.name in STAGES else "graph" if "stage" not in way.arguments else "float"
        groups[kind].append(way)
    return [tuple(group) for group in groups.values() if group]


async def rankings(
    client: AsyncClient, collection: str, ways: Sequence[Way], query: SearchArguments
) -> Mapping[str, list[str]]:
    """The ids of the best hits in each way of one pass, by the way's name.

    Errors: ValueError where the server ranked by less than was asked for.
    """
    stages = [way.name for way in ways if way.name in STAGES]
    if len(stages) > 1:
        staged: SearchArguments = {**query, "stage": max(stages, key=STAGES.index)}
        pages = {seen.stage: seen.page async for seen in client.search_stream(collection, **staged)}
        return {stage: _ids(pages[stage]) for stage in stages}
    found = {}
    for way in ways:
        # The second way finds the query prepared in the server's cache.
        arguments: SearchArguments = {**query, **way.arguments, "bypass_cache": len(ways) == 1}
        found[way.name] = _ids(await client.search(collection, **arguments))
    return found


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
