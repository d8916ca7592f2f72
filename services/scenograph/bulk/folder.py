"""Photographs in files: with `scenograph ingest`'s names, sentences and metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenograph.bulk.records import Rejected, Shard, identified, shard_id, stamp
from scenograph.client import Item

PHOTOS = 256
"""Photographs of one shard."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph's file, the id it is stored under, and what is stored with it."""

    id: str
    path: Path
    texts: tuple[str, ...]
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Photos:
    """Reads files (records.Reader)."""

    photos: tuple[Photo, ...]

    def read(self) -> Iterator[Item | Rejected]:
        for photo in self.photos:
            try:
                yield identified(Item(photo.id, photo.path.read_bytes(), photo.texts, photo.metadata))
            except OSError as error:
                yield Rejected(photo.id, "UNREADABLE_FILE", str(error))
            except ValueError as error:
                yield Rejected(photo.id, "INVALID_RECORD", str(error))


def photo_shards(photos: Sequence[Photo], size: int = PHOTOS) -> Iterator[Shard]:
    """Shards of `size` photographs each, in the order given."""
    for start in range(0, len(photos), size):
        part = tuple(photos[start : start + size])
        name = f"photographs {start + 1} to {start + len(part)}"
        known = [(photo.id, photo.texts, dict(photo.metadata), _stamp(photo.path)) for photo in part]
        yield Shard(shard_id("photos", known), name, len(part), Photos(part))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        return stamp(path)
    except OSError:
        return None  # told when it is read
