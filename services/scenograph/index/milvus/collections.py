"""Which collections there are in Milvus, and the version of each. Everything here blocks.

A collection's version is a timestamp of Milvus' own clock, taken after a change is there and before the
change is acknowledged, in a row of its own. So it rises with each change whoever makes it, on whatever
machine, and whoever has read it sees at least what it stands for.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

import msgspec

from scenograph.index.milvus import expressions
from scenograph.index.milvus.rows import Row, read_vectors, version_row
from scenograph.index.milvus.schema import (
    About,
    Kind,
    collection_schema,
    milvus_name,
    own_name,
    unpack_about,
)
from scenograph.index.milvus.server import MOST_ROWS, MilvusServer
from scenograph.scene.errors import CollectionNotFound, ScenographError, Unavailable

VERSION_FIELDS = ["pk", "write", "request"]
REMEMBERED_MS = 24 * 3600 * 1000
"""How long it is known which request wrote an item."""
LOGICAL_BITS = 18
"""A timestamp of Milvus is milliseconds since 1970 and so many bits that count within one."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A collection that is loaded, and whose unfinished writes are finished. `stored`: its name in Milvus."""

    name: str
    stored: str
    about: About


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a collection; `dimension` of its embeddings, None before the first write."""

    number: int
    dimension: int | None


class Replaced(Exception):
    """The collection is another than the one of that name which was opened."""


class Collections:
    """Those of one database. Threads share it. Errors: those of MilvusServer."""

    def __init__(self, server: MilvusServer) -> None:
        self._server = server
        self._lock = Lock()
        self._opened: dict[str, Opened] = {}

    def names(self) -> list[str]:
        """All of scenograph's, by name."""
        return sorted(filter(None, map(own_name, self._server.collections())))

    def create(self, name: str, pack: str, bits: int) -> Opened:
        """Makes an empty collection. Errors: CollectionExists."""
        about = About(pack, bits, time.time_ns() // 1000, uuid.uuid4().hex)
        self._server.create(milvus_name(name), collection_schema(about))
        return self.open(name)

    def open(self, name: str) -> Opened:
        """The collection, made ready where this process has not used it yet. Errors: CollectionNotFound."""
        with self._lock:
            known = self._opened.get(name)
        if known is not None:
            return known
        stored = milvus_name(name)
        about = self._about(stored, name)
        self._server.load(stored)
        opened = Opened(name, stored, about)
        self._heal(opened)
        with self._lock:
            self._opened[name] = opened
        return opened

    def drop(self, name: str) -> None:
        """Removes a collection. Errors: CollectionNotFound."""
        self._about(milvus_name(name), name)
        self._server.drop(milvus_name(name))
        self.forget(name)

    def forget(self, name: str) -> None:
        """Has the next use open it anew."""
        with self._lock:
            self._opened.pop(name, None)

    def version(self, opened: Opened) -> Version:
        """As it is now. Errors: Replaced."""
        where = expressions.of_kind(Kind.VERSION)
        return version_in(opened, self._server.query(opened.stored, where, VERSION_FIELDS, limit=1))

    def changed(self, opened: Opened, dimension: int | None) -> int:
        """Says that the collection has changed; its version from now on."""
        number = self._server.time()
        row = version_row(number, dimension, opened.about.born, opened.about.bits)
        self._server.insert(opened.stored, [row])
        return number

    def tidy(self, opened: Opened, keys: Iterable[str]) -> None:
        """Removes rows that no longer say anything; where that fails, a later opening does."""
        with suppress(ScenographError):
            self._server.delete(opened.stored, list(keys))

    def _about(self, stored: str, name: str) -> About:
        about = unpack_about(self._server.description(stored))
        if about is None:
            raise CollectionNotFound(f"there is no collection {name[:80]!r}")
        return about

    def _heal(self, opened: Opened) -> None:
        """Finishes writes that a process began and did not end, and forgets what is old."""
        server, stored = self._server, opened.stored
        kinds = expressions.of_kind(Kind.VERSION, Kind.JOURNAL)
        rows = server.query(stored, kinds, ["pk", "kind", "write", "request", "text"], strong=True)
        journals = [row for row in rows if row["kind"] == Kind.JOURNAL]
        versions = sorted(
            (row for row in rows if row["kind"] == Kind.VERSION), key=lambda row: str(row["pk"])
        )
        for journal in journals:
            server.delete(stored, journal["text"].split("\n") if journal["text"] else [])
        if journals or not versions:
            dimension = version_in(opened, versions).dimension if versions else self._dimension(opened)
            self.changed(opened, dimension)
        old = (server.time() >> LOGICAL_BITS) - REMEMBERED_MS << LOGICAL_BITS
        requests = f"kind == {Kind.REQUEST} and write < {old}"
        expired = server.query(stored, requests, ["pk"], limit=MOST_ROWS)
        self.tidy(opened, [str(row["pk"]) for row in (*journals, *versions[1:], *expired)])

    def _dimension(self, opened: Opened) -> int | None:
        """Of a collection whose first write did not come to its end."""
        where = expressions.of_kind(Kind.IMAGE, Kind.TEXT)
        rows = self._server.query(opened.stored, where, ["vectors"], limit=1, strong=True)
        return read_vectors(rows, opened.about.bits)[1].shape[1] if rows else None


def version_in(opened: Opened, rows: Sequence[Row]) -> Version:
    """The newest version among rows. Errors: Replaced, Unavailable where there is none."""
    if not rows:
        raise Unavailable(f"{opened.name!r} is being made")
    newest = min(rows, key=lambda row: str(row["pk"]))
    said = msgspec.json.decode(newest["request"])
    if said["born"] != opened.about.born:
        raise Replaced
    return Version(int(newest["write"]), said["dimension"])
