"""What the client answers with: frozen values, readable when printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scenograph.client.arguments import JsonValue, ModalityName, StageName
from scenograph.client.errors import ScenographError
from scenograph.client.graphs import Box, SceneGraph


@dataclass(frozen=True, slots=True)
class Collection:
    """What a collection is and holds; `entries` counts images and texts, `version` rises with each change."""

    name: str
    pack_version: str
    bits: int
    items: int
    entries: int
    version: int
    create_time: datetime


@dataclass(frozen=True, slots=True)
class IngestStatus:
    """What became of one item; `replayed`: its request_id was seen before, and nothing was written again."""

    item_id: str
    request_id: str = ""
    replayed: bool = False
    error: ScenographError | None = None

    @property
    def ok(self) -> bool:
        """Durably stored."""
        return self.error is None


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item as it is stored; lists leave the graphs out."""

    id: str
    has_image: bool
    texts: tuple[str, ...]
    metadata: Mapping[str, JsonValue]
    image_graph: SceneGraph | None
    text_graphs: tuple[SceneGraph, ...]
    image_width: int
    image_height: int
    pack_version: str
    create_time: datetime
    update_time: datetime
    access_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of items."""

    items: tuple[StoredItem, ...]
    next_page_token: str

    def __iter__(self) -> Iterator[StoredItem]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Deletion:
    """How many items were removed, and which ids did not exist."""

    deleted: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """1 - distance of the codes, cosine, graph agreement; `stage` is the last that scored the hit.

    `levels` has the cosine of each of the pack's levels: "scene", "object", "relation", "label".
    """

    coarse: float
    cosine: float
    graph: float
    stage: StageName | None
    levels: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A part of the query and what it met, `similarity` in [0, 1]; relations and image tags have no box.

    `query_index` and `found_index` are positions in the query's and the hit's graph; -1 where a tag was met.
    """

    query: str
    found: str
    similarity: float
    box: Box | None = None
    attributes: tuple[str, ...] = ()
    missing_attributes: tuple[str, ...] = ()
    is_relation: bool = False
    query_index: int = 0
    found_index: int = -1

    def __str__(self) -> str:
        attributes = f" {{{', '.join(self.attributes)}}}" if self.attributes else ""
        where = f" at {self.box}" if self.box else ""
        missing = f", not {', not '.join(self.missing_attributes)}" if self.missing_attributes else ""
        return f"{self.query}{attributes} = {self.found} {self.similarity:.2f}{where}{missing}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a query's graph lies on a hit's, in [0, 1]: the whole, its objects, attributes and relations.

    The whole mixes `symbolic`, made of these three, and `learned`, the pack's matcher's; None where there is
    none.
    """

    score: float
    objects: float
    attributes: float
    relations: float
    symbolic: float = 0.0
    learned: float | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found. Scores compare within one answer only.

    With explain=True, where the graph stage saw the hit: `matches` (objects, then relations), `unmatched` and
    `violations` in words, `agreement`, and the hit's own `graph`.
    """

    id: str
    score: float
    parts: ScoreParts
    modality: ModalityName
    text: str = ""
    text_index: int = 0
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    matches: tuple[Match, ...] = ()
    unmatched: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    satisfied: bool | None = None
    agreement: Agreement | None = None
    graph: SceneGraph | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How a search went: milliseconds by stage, candidate counts, and the cache: hit, miss or bypass."""

    timings: Mapping[str, float]
    considered: int
    coarse_candidates: int
    float_candidates: int
    graph_candidates: int
    cache: str
    degraded: bool
    degraded_reason: str
    pack_version: str
    collection_version: int
    query_graph: SceneGraph | None


@dataclass(frozen=True, slots=True)
class Page:
    """Hits, best first; `next_page_token` is empty at the end."""

    hits: tuple[Hit, ...]
    next_page_token: str
    report: Report

    @property
    def timings(self) -> Mapping[str, float]:
        """Milliseconds by stage."""
        return self.report.timings

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)


@dataclass(frozen=True, slots=True)
class StagePage:
    """The hits as one stage of a streamed search sees them; the `final` one is what `search` answers with."""

    stage: StageName | None
    final: bool
    page: Page


@dataclass(frozen=True, slots=True)
class Description:
    """What an image shows, its upright size in pixels, milliseconds by stage."""

    graph: SceneGraph
    width: int
    height: int
    pack_version: str
    timings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What is running, its limits, and the pack's levels with their weights."""

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
