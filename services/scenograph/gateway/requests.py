"""What callers ask of the gateway, in the domain's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from scenograph.gateway.limits import DEFAULT_COARSE, DEFAULT_GRAPH, DEFAULT_HITS
from scenograph.runtime.contracts import MatchWeights, Metadata, Modality
from scenograph.scene.graph import GraphQuery


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image: its encoded file, or the id of a finished upload."""

    content: bytes = b""
    upload_id: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """What a user stores: an image, texts, or both."""

    id: str
    image: ImageSource | None = None
    texts: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=dict)
    access_labels: tuple[str, ...] = ()
    blur_faces: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class IngestItem:
    """One item of an ingest stream. `request_id` makes a repetition harmless."""

    collection: str
    item: Item
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class TextSource:
    """A sentence to look for."""

    text: str


@dataclass(frozen=True, slots=True)
class GraphSource:
    """A scene graph with required and forbidden parts to look for."""

    graph: GraphQuery


@dataclass(frozen=True, slots=True)
class ExpressionSource:
    """The same, written in the graph query language."""

    expression: str


@dataclass(frozen=True, slots=True)
class StoredSource:
    """An item of the collection: what is like it."""

    item_id: str


Source: TypeAlias = TextSource | ImageSource | GraphSource | ExpressionSource | StoredSource


@dataclass(frozen=True, slots=True)
class QueryPart:
    """One part of a query and how much it counts; `source` None is a part left empty."""

    source: Source | None
    weight: float = 1.0


class Stage(IntEnum):
    """The stages of a search; numbers as in the proto."""

    UNSPECIFIED = 0
    COARSE = 1
    FLOAT = 2
    GRAPH = 3


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """Weights of the Hamming similarity, the cosine and the graph match in the final score."""

    coarse: float
    cosine: float
    graph: float


@dataclass(frozen=True, slots=True)
class LevelWeights:
    """How much each level of embeddings and codes counts; only their proportions matter."""

    scene: float
    object: float
    relation: float
    label: float = 0.0


@dataclass(frozen=True, slots=True)
class RankingOptions:
    """How to rank. Weights that are None: the pack's own."""

    last_stage: Stage = Stage.GRAPH
    coarse_candidates: int = DEFAULT_COARSE
    graph_candidates: int = DEFAULT_GRAPH
    weights: FusionWeights | None = None
    bypass_cache: bool = False
    level_weights: LevelWeights | None = None
    match_weights: MatchWeights | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search of one collection."""

    collection: str
    query: tuple[QueryPart, ...]
    filter: str = ""
    page_size: int = DEFAULT_HITS
    page_token: str = ""
    returning: Modality = Modality.IMAGE
    explain: bool = False
    options: RankingOptions = field(default_factory=RankingOptions)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate of Rank: a text or an image; `content` None is a candidate left empty."""

    id: str
    content: TextSource | ImageSource | None


@dataclass(frozen=True, slots=True)
class RankRequest:
    """A query and the candidates to rank by it; nothing is stored."""

    query: tuple[QueryPart, ...]
    candidates: tuple[Candidate, ...]
    explain: bool = False
    weights: FusionWeights | None = None
    level_weights: LevelWeights | None = None
    match_weights: MatchWeights | None = None
