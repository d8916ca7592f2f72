"""A finished ranking: every hit in its place, and what its pages need."""

from __future__ import annotations

import hashlib
from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from scenograph.gateway.graphstage import WeightedGraph


class RankedHit(msgspec.Struct, frozen=True):
    """One entry in its place: its scores, the last stage that scored it, and the cosines of the pack's levels
    (none where the float stage did not see it). A ranking has up to 10,000, so they are made in C.
    """

    item_id: str
    modality: int
    ordinal: int
    score: float
    coarse: float
    cosine: float
    graph: float
    stage: int
    levels: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """All hits of a search, best first, with what its pages need: the collection's birth tells it from a
    namesake, the pack from what it was before it was re-encoded. `view` is what its caller may see
    (`digests.view_key`); `asked` are the items that the query was made of.
    """

    hits: tuple[RankedHit, ...]
    graphs: tuple[WeightedGraph, ...]
    considered: int
    coarse_candidates: int
    float_candidates: int
    graph_candidates: int
    degraded: str
    collection_version: int
    collection_born: datetime
    pack_version: str = ""
    collection: str = ""
    view: str = ""
    asked: tuple[str, ...] = ()


GONE = RankedHit("", 0, 0, 0.0, 0.0, 0.0, 0.0, 0)
"""In the place of a hit whose item was removed: pages go on where they were."""


def without(ranking: Ranking, ids: Set[str]) -> Ranking:
    """The same ranking, but nothing of these items."""
    if not any(hit.item_id in ids for hit in ranking.hits):
        return ranking
    return replace(ranking, hits=tuple(GONE if hit.item_id in ids else hit for hit in ranking.hits))


def order_digest(ranking: Ranking) -> bytes:
    """8 bytes that stand for the hits and their order."""
    order = "".join(
        [f"{len(hit.item_id)}:{hit.item_id}:{int(hit.modality)}:{hit.ordinal};" for hit in ranking.hits]
    )
    return hashlib.blake2b(order.encode(), digest_size=8).digest()
