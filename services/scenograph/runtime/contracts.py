"""What the services ask of one another, in memory.

Each Protocol is met twice: by the service's own app, and by an adapter that calls the service over gRPC
(`scenograph.gateway.remote`). Callers cannot tell which they hold. All methods raise
`scenograph.scene.errors`;
a batch answers with an error in the place of each part that failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.alignment import Alignment
from scenograph.scene.errors import ScenographError
from scenograph.scene.graph import GraphQuery, SceneGraph

FloatArray: TypeAlias = NDArray[np.float32]
CodeArray: TypeAlias = NDArray[np.uint8]
Timings: TypeAlias = dict[str, float]  # stage -> milliseconds of wall clock
JsonValue: TypeAlias = "bool | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Metadata: TypeAlias = Mapping[str, JsonValue]

CODE_BITS = (64, 128, 256)
DEFAULT_BITS = 256


class Modality(IntEnum):
    """Which side of an item something belongs to; numbers as in the proto."""

    UNSPECIFIED = 0
    IMAGE = 1
    TEXT = 2


class Parser(IntEnum):
    """Which parser reads a sentence; numbers as in the proto. UNSPECIFIED: the server's default."""

    UNSPECIFIED = 0
    NEURAL = 1
    RULES = 2


@dataclass(frozen=True, slots=True)
class MatchWeights:
    """How the learned and the symbolic agreement of two graphs mix; none negative, not both 0."""

    learned: float
    symbolic: float


@dataclass(frozen=True, slots=True)
class Level:
    """A part of every embedding and code: components [start, stop), and ranges of bits [start, stop).

    `scale` is how much it counts in one search, as a multiple of what it counts by itself.
    """

    start: int
    stop: int
    bits: tuple[tuple[int, int], ...]
    scale: float = 1.0


def _no_features() -> FloatArray:
    return np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class ImageFeatures:
    """What a pack's vision models saw: class probabilities (C,), best object scores (O,), pooled features of
    the backbone (F,) and of the detector (G,), all float32. G is 0 for a pack whose detector gives none.
    """

    class_probabilities: FloatArray
    object_scores: FloatArray
    pooled: FloatArray
    detector_pooled: FloatArray = field(default_factory=_no_features)


@dataclass(frozen=True, slots=True, eq=False)
class VisualGraph:
    """One image's scene graph, its upright size in pixels, and the features where they were asked for."""

    graph: SceneGraph
    width: int
    height: int
    features: ImageFeatures | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VisualBatch:
    """One result for each image, in order."""

    results: list[VisualGraph | ScenographError]
    pack_version: str
    timings: Timings = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class TextBatch:
    """One result for each sentence, in order."""

    results: list[SceneGraph | ScenographError]
    pack_version: str
    timings: Timings = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingBatch:
    """Vectors (B, D) float32 of length 1."""

    vectors: FloatArray
    pack_version: str
    timings: Timings = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class CodeBatch:
    """Packed codes (B, bits / 8) uint8; bit 0 is the most significant bit of byte 0.

    `projections` (B, bits) float32, whose signs the bits are, where they were asked for.
    """

    codes: CodeArray
    bits: int
    pack_version: str
    timings: Timings = field(default_factory=dict)
    projections: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MatchBatch:
    """One alignment for each candidate, in order."""

    alignments: list[Alignment]
    pack_version: str
    timings: Timings = field(default_factory=dict)


class VisualGraphs(Protocol):
    """Builds scene graphs from images (encoded files, 1 to 64 a call), with units where they are asked for
    and the pack can make them.
    """

    async def build(
        self, images: Sequence[bytes], *, include_features: bool = False, include_units: bool = False
    ) -> VisualBatch: ...


class TextualGraphs(Protocol):
    """Builds scene graphs from sentences (1 to 1024 a call), with units where they are asked for and the
    pack can make them. Raises FailedPrecondition for a parser that the pack has not.
    """

    async def parse(
        self, texts: Sequence[str], *, parser: Parser = Parser.UNSPECIFIED, include_units: bool = False
    ) -> TextBatch: ...


class Encoder(Protocol):
    """Embeds images (or their features), texts and graphs in one space."""

    async def encode_images(self, images: Sequence[bytes | ImageFeatures]) -> EmbeddingBatch: ...

    async def encode_texts(self, texts: Sequence[str]) -> EmbeddingBatch: ...

    async def encode_graphs(self, graphs: Sequence[SceneGraph]) -> EmbeddingBatch: ...


class Hashing(Protocol):
    """Turns embeddings (B, D) into codes of 64, 128 or 256 bits."""

    async def hash(
        self, embeddings: FloatArray, *, bits: int = DEFAULT_BITS, include_projections: bool = False
    ) -> CodeBatch: ...


class Matching(Protocol):
    """Lays a query on candidate graphs. A sentence's graph is the query's `optional` part.

    `weights` None: the pack's own.
    """

    async def match(
        self,
        query: GraphQuery,
        candidates: Sequence[SceneGraph],
        *,
        explain: bool = False,
        weights: MatchWeights | None = None,
    ) -> MatchBatch: ...


class SearchKind(IntEnum):
    """How a collection is searched. The numbers are those of the proto."""

    EXACT = 1
    """Every entry is looked at."""
    LISTS = 2
    """The entries near a query's code are looked at, and those written lately."""


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """What searches go through. Lists hold `entries` entries; `recall` is the share of the `recall_at`
    nearest that they find, measured on the collection when they were made.
    """

    kind: SearchKind = SearchKind.EXACT
    entries: int = 0
    lists: int = 0
    recall: float = 1.0
    recall_at: int = 0


@dataclass(frozen=True, slots=True)
class Collection:
    """What a collection is and holds. `version` rises with each change."""

    name: str
    pack_version: str
    bits: int
    items: int
    entries: int
    version: int
    create_time: datetime
    search_index: SearchIndex = SearchIndex()


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One searchable part of an item: its image, or its text number `ordinal`. embedding (D,) float32,
    code (bits / 8,) uint8.

    A brief read leaves graph, embedding and code empty.
    """

    modality: Modality
    ordinal: int = 0
    text: str = ""
    graph: SceneGraph | None = None
    embedding: FloatArray | None = None
    code: CodeArray | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One durable record: an item with its entries, made by one pack. Times are set by the index.

    `access_labels`: who may see it, sorted, each once (`runtime.principal`); none: whoever may read the
    collection.
    """

    id: str
    entries: tuple[Entry, ...]
    pack_version: str
    metadata: Metadata = field(default_factory=dict)
    create_time: datetime | None = None
    update_time: datetime | None = None
    access_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """A record to write. The same `request_id` with the same `content_digest` is acknowledged, not
    written again. `original` is the file of the record's image, where it is to be kept.
    """

    record: Record
    request_id: str = ""
    content_digest: bytes = b""
    original: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class WriteResult:
    """For each write None or its error, and whether it was a repetition; the collection's version
    afterwards.
    """

    errors: list[ScenographError | None]
    replayed: list[bool]
    version: int


@dataclass(frozen=True, slots=True, eq=False)
class DeleteResult:
    """How many were removed, which ids did not exist, the collection's version afterwards."""

    deleted: int
    missing: list[str]
    version: int


@dataclass(frozen=True, slots=True, eq=False)
class IndexQuery:
    """A search by code (bits / 8,) uint8, rescored by cosine where `embedding` (D,) float32 is given.

    `modality` UNSPECIFIED looks through both. Only items that pass `filter` are looked at. `with_graphs`
    first hits carry graphs. Where a level's scale is not 1, distance and cosine are weighted by the scales.
    `bit_weights` (bits,) say how much each bit counts where it differs, among the candidates kept without
    them. `exact` has every entry looked at, however many there are.
    """

    code: CodeArray
    bits: int
    pack_version: str
    embedding: FloatArray | None = None
    modality: Modality = Modality.UNSPECIFIED
    filter: str = ""
    coarse_candidates: int = 1000
    with_graphs: int = 0
    levels: tuple[Level, ...] = ()
    bit_weights: FloatArray | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class IndexHit:
    """One entry found: differing bits, cosine (0 without an embedding), its text, its graph where asked
    for.

    `distance` is the share of differing bits, each counted with its weight and its level's scale.
    `level_cosines` has one for each level of the query, or is empty without an embedding.
    """

    item_id: str
    modality: Modality
    ordinal: int
    hamming: int
    cosine: float = 0.0
    text: str = ""
    graph: SceneGraph | None = None
    distance: float = 0.0
    level_cosines: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class IndexAnswer:
    """Hits best first: by cosine where an embedding was given, else by distance; ties by item id,
    modality, ordinal.
    """

    hits: list[IndexHit]
    considered: int
    version: int
    timings: Timings = field(default_factory=dict)
    searched: SearchIndex = SearchIndex()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A collection's state at a time, on disk."""

    name: str
    collection: str
    items: int
    pack_version: str
    create_time: datetime
    bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What an item was made of: its image's file (empty where it was not kept), its texts, its metadata as
    JSON; its place in the order of first writing, its version, and its times in microseconds.
    """

    id: str
    image: bytes
    texts: tuple[str, ...]
    has_image: bool
    metadata: bytes
    sequence: int
    first_entry: int
    create_us: int
    update_us: int
    access_labels: tuple[str, ...] = ()


class SecondIndex(Protocol):
    """A collection made anew for another pack, beside the one that serves; `index.second.Second` off the
    event loop.
    """

    bits: int

    async def to_do(self) -> tuple[list[int], int]: ...

    async def read(self, places: Sequence[int]) -> list[Source]: ...

    async def store(self, made: Sequence[tuple[Source, Record]]) -> None: ...

    async def stop_writes(self) -> None: ...

    async def switch(self) -> None: ...

    async def close(self) -> None: ...

    async def discard(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A collection that was being made anew for a pack when the process ended: items made and in all."""

    collection: str
    pack_version: str
    done: int
    total: int
    start_time: datetime


class Reencodable(Protocol):
    """An index whose collections can be made anew for another pack."""

    async def images_not_kept(self, collection: str) -> int:
        """How many of its items have an image whose file was not kept. Errors: CollectionNotFound."""
        ...

    async def second(self, collection: str, pack_version: str) -> SecondIndex:
        """Begins, or goes on with, a collection for that pack. Errors: CollectionNotFound, DiskFull."""
        ...

    async def unfinished(self) -> list[Unfinished]:
        """What earlier lives of the process did not finish."""
        ...


class Index(Protocol):
    """Keeps records durably and finds those whose codes are near. Page tokens are opaque; an empty next
    token is the end.
    """

    async def create_collection(
        self, name: str, pack_version: str, bits: int = DEFAULT_BITS
    ) -> Collection: ...

    async def get_collection(self, name: str) -> Collection: ...

    async def list_collections(
        self, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Collection], str]: ...

    async def delete_collection(self, name: str) -> None: ...

    async def upsert(self, collection: str, writes: Sequence[Write]) -> WriteResult: ...

    async def get(
        self, collection: str, ids: Sequence[str], *, brief: bool = False
    ) -> tuple[list[Record], list[str]]:
        """The records that exist, in the order asked for, and the ids that do not."""
        ...

    async def delete(self, collection: str, ids: Sequence[str]) -> DeleteResult: ...

    async def list_items(
        self,
        collection: str,
        *,
        page_size: int = 0,
        page_token: str = "",
        filter: str = "",
        brief: bool = False,
    ) -> tuple[list[Record], str]: ...

    async def search(self, collection: str, query: IndexQuery) -> IndexAnswer: ...

    async def create_snapshot(self, collection: str, snapshot: str = "") -> Snapshot: ...

    async def list_snapshots(
        self, collection: str = "", page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Snapshot], str]: ...

    async def restore_snapshot(self, snapshot: str, collection: str = "") -> Collection: ...

    async def delete_snapshot(self, snapshot: str) -> None: ...
