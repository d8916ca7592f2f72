"""What the gateway answers, in the domain's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from scenograph.gateway.requests import Stage
from scenograph.runtime.contracts import Metadata, Modality, Timings
from scenograph.scene.alignment import Alignment
from scenograph.scene.errors import ScenographError
from scenograph.scene.graph import SceneGraph


class CacheStatus(IntEnum):
    """What the cache did; numbers as in the proto."""

    UNSPECIFIED = 0
    HIT = 1
    MISS = 2
    BYPASS = 3


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """What a score is made of: coarse in [0, 1], cosine in [-1, 1], graph in [0, 1] (0 where it was not
    seen), and the cosine of each of the pack's levels (none where the float stage did not see it).
    """

    coarse: float
    cosine: float
    graph: float
    stage: Stage
    levels: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """Something found.

    `alignment` and `graph` are set where explain was asked for and the graph stage saw the hit.
    """

    item_id: str
    modality: Modality
    ordinal: int
    text: str
    score: float
    parts: ScoreParts
    alignment: Alignment | None = None
    graph: SceneGraph | None = None
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """How a search went."""

    timings: Timings
    considered: int
    coarse_candidates: int
    float_candidates: int
    graph_candidates: int
    cache: CacheStatus
    degraded: bool
    degraded_reason: str
    pack_version: str
    collection_version: int = 0
    query_graph: SceneGraph | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SearchPage:
    """A page of hits, best first."""

    hits: list[Hit]
    next_page_token: str
    report: Report


@dataclass(frozen=True, slots=True, eq=False)
class StagePage:
    """The hits as one stage sees them; the final page is the one that Search answers with."""

    stage: Stage
    final: bool
    page: SearchPage


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of one item; `error` None means durably stored."""

    item_id: str
    request_id: str
    error: ScenographError | None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """A finished upload."""

    id: str
    bytes: int
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Info:
    """What is running."""

    version: str
    pack_name: str
    pack_version: str
    embedding_size: int
    code_bits: tuple[int, ...]
    max_message_bytes: int
    max_image_pixels: int
    max_upload_bytes: int
    cache: str
    levels: Mapping[str, float]
