"""How much one call may ask of the gateway, as documented in the contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from scenograph.packs.faces.installed import detector_file
from scenograph.v1.limits import MAX_MESSAGE_BYTES, MAX_UPLOAD_CHUNK_BYTES

MIB = 1024 * 1024

MAX_ID_CHARS = 256
MAX_REQUEST_ID_CHARS = 256
MAX_TEXT_CHARS = 2_000
MAX_TEXTS = 64
MAX_METADATA_BYTES = 64 * 1024
MAX_BATCH_ITEMS = 256
MAX_DELETE_IDS = 1024
MAX_QUERY_PARTS = 8
MAX_QUERY_NODES = 64  # what the matching service takes
MAX_QUERY_EDGES = 512
MAX_NODE_ATTRIBUTES = 32
MAX_RANK_CANDIDATES = 256
MAX_CHUNK_BYTES = MAX_UPLOAD_CHUNK_BYTES

DEFAULT_HITS, MAX_HITS = 10, 1000
DEFAULT_COARSE, MAX_COARSE = 1000, 10_000
DEFAULT_GRAPH, MAX_GRAPH = 100, 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operator may set. Bytes, pixels, seconds; `ingest_batch` items go to the models together;
    `face_detector` is a file.
    """

    max_message_bytes: int = MAX_MESSAGE_BYTES
    max_image_pixels: int = 64_000_000
    max_upload_bytes: int = 64 * MIB
    max_uploads_bytes: int = 1024 * MIB
    upload_ttl_s: float = 3600.0
    ingest_batch: int = 8
    ingest_batches_in_flight: int = 2
    kept_hits: int = 200_000
    ranking_ttl_s: float = 900.0
    query_ttl_s: float = 3600.0
    keep_images: bool = True
    searches: int = 4
    waiting_searches: int = 64
    search_wait_s: float = 1.0
    face_detector: Path = field(default_factory=detector_file)
