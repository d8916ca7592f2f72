"""How much one call and one record may hold."""

from __future__ import annotations

from dataclasses import dataclass

MAX_NAME_CHARS = 64
MAX_ID_CHARS = 256
MAX_REQUEST_ID_CHARS = 256
MAX_METADATA_BYTES = 64 * 1024
MAX_METADATA_DEPTH = 32
MAX_LABELS = 32
MAX_LABEL_CHARS = 64
MAX_CALL = 1024
MAX_ENTRIES = 1024
MAX_TEXT_CHARS = 65_536
MAX_EMBEDDING = 16_384
MAX_LEVELS = 16
DEFAULT_PAGE = 100
MAX_PAGE = 1000
DEFAULT_CANDIDATES = 1000
MAX_CANDIDATES = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operator may choose."""

    readers: int = 4
    """Threads that read and search, over all collections."""
    pending_writes: int = 16_384
    """Writes that may wait for one collection's writer; more are refused with RESOURCE_EXHAUSTED."""
    kept_graphs: int = 4096
    """Decoded graphs that a collection keeps in memory, those last shown: about 10 KB each."""
    remembered_requests: int = 100_000
    """Request ids that a collection remembers, the newest."""
    exact_up_to: int = 2_000_000
    """Entries up to which a search looks at every one; in a larger collection it looks at a part."""
    recall: float = 0.97
    """Share of the nearest entries that such a search finds, on average."""
