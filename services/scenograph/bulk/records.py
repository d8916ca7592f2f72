"""One record of a source: an item with its request id, or what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from scenograph.client import Item

TEXTS = ("texts", "captions", "text", "caption")
"""Where a record's sentences are looked for: a string, or a list of them."""

ACCESS = "access_labels"
"""The field of those who may see a record: a string, or a list of them."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not stored. `record` is its id, or its place where it has none."""

    record: str
    reason: str
    message: str


class Reader(Protocol):
    """What a worker reads from end to end, in the same order each time; goes to it by pickle."""

    def read(self) -> Iterator[Item | Rejected]:
        """Records, each a sound item or told as wrong. Errors: OSError, ValueError (the rest is lost)."""
        ...


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a source.

    `id` stays as it is for as long as its files do; `name` is for people; `records` is how many there are,
    None where only reading would tell.
    """

    id: str
    name: str
    records: int | None
    reader: Reader


def shard_id(*parts: object) -> str:
    """A digest of what a shard is."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32]


def stamp(path: Path) -> tuple[int, int]:
    """What changes with a file: its size in bytes, its time of writing in nanoseconds. Errors: OSError."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def identified(item: Item) -> Item:
    """The item under a request id that is the digest of all it holds: stored once, and anew where changed.

    Its image is bytes, or None. Errors: ValueError (its metadata is not JSON).
    """
    if not isinstance(item.image, bytes | None):
        raise TypeError("the digest is of an image's bytes")
    digest = hashlib.sha256(item.image or b"")
    try:
        told: list[object] = [item.id, list(item.texts), dict(item.metadata)]
        if item.access_labels or item.blur_faces:
            told += [sorted(item.access_labels), item.blur_faces]
        said = json.dumps(told, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the metadata is not JSON: {error}") from error
    digest.update(said.encode())
    return replace(item, request_id=digest.hexdigest())


def item_of(record: str, image: bytes | None, fields: Mapping[str, Any], texts: str = "") -> Item:
    """An item of a record's fields: its sentences (in `texts`, else under a known name), its access labels
    (in ACCESS), the rest metadata.

    Errors: ValueError (sentences or labels that are none, metadata that is not JSON).
    """
    name = texts or next((name for name in TEXTS if fields.get(name) is not None), "")
    rest = {key: value for key, value in fields.items() if key not in (name, ACCESS) and value is not None}
    labels = sentences(fields.get(ACCESS))
    return identified(Item(record, image, sentences(fields.get(name)), rest, access_labels=labels))


def sentences(value: Any) -> tuple[str, ...]:
    """A string's sentence, a list's sentences, none of None. Errors: ValueError."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
        raise ValueError("the texts must be a string or a list of strings")
    return tuple(value)
