"""Ways of ranking to compare: the stages, and each part of them alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scenograph.client import AsyncClient
from scenograph.client.arguments import SearchArguments, StageName
from scenograph.client.errors import FailedPrecondition, InvalidInput

LEVELS = ("scene", "object", "relation", "label")


@dataclass(frozen=True, slots=True)
class Way:
    """A name, and the options of a search that make it."""

    name: str
    arguments: SearchArguments


def stage_ways(stages: Iterable[StageName]) -> list[Way]:
    """The ranking as it stands after each stage."""
    return [Way(stage, {"stage": stage}) for stage in stages]


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
