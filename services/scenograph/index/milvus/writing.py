"""Writing and removing items. Everything here blocks.

A write inserts the new version of its items in one request, along with a journal of what that makes
obsolete; then it deletes that, says that the collection changed, and removes the journal. A process that ends
on the way leaves the old items or the new ones whole, or both; readers take the newer, and the next process
that opens the collection finishes what the journal says.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scenograph.index import checks
from scenograph.index.milvus import expressions
from scenograph.index.milvus.collections import (
    LOGICAL_BITS,
    REMEMBERED_MS,
    Collections,
    Opened,
    Version,
    version_in,
)
from scenograph.index.milvus.rows import (
    Ready,
    Row,
    item_rows,
    journal_rows,
    newest,
    place,
    ready,
    request_row,
)
from scenograph.index.milvus.schema import Kind
from scenograph.index.milvus.server import MilvusServer
from scenograph.index.records import pack
from scenograph.runtime.contracts import DeleteResult, Write, WriteResult
from scenograph.runtime.principal import Principal
from scenograph.scene.errors import InvalidInput, PermissionDenied, RequestIdReused, ScenographError

BATCH_BYTES = 4 * 1024 * 1024
REMEMBERED = 16
"""Requests remembered of one item, the newest."""
_FIELDS = ["pk", "kind", "item", "write", "labels", "created", "request", "digest"]
_OF_ITEM = (Kind.IMAGE, Kind.TEXT, Kind.ITEM, Kind.PART)


@dataclass(slots=True)
class _Stored:
    """What there is of an item: its newest row of kind ITEM, the keys of all its rows, its requests."""

    item: Row | None = None
    keys: list[str] = field(default_factory=list)
    requests: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class _Put:
    """One write that is to be made, over what there is."""

    write: Write
    ready: Ready
    stored: _Stored


class Writing:
    """Whoever calls makes sure that within the process no two calls have an item in common."""

    def __init__(self, server: MilvusServer, collections: Collections) -> None:
        self._server = server
        self._collections = collections

    def upsert(self, opened: Opened, writes: Sequence[Write], principal: Principal) -> WriteResult:
        """Writes records, each whole or not at all. Errors: Replaced, DuplicateItem, InvalidInput."""
        checks.check_writes(writes)
        version, stored = self._stored(opened, [write.record.id for write in writes])
        errors: list[ScenographError | None] = [None] * len(writes)
        replayed, puts = [False] * len(writes), []
        dimension = version.dimension
        for position, write in enumerate(writes):
            known = stored.get(write.record.id, _Stored())
            try:
                put = self._prepared(opened, write, known, principal, f"writes[{position}]")
                if _replayed(known, write):
                    replayed[position] = True
                    continue
                size = put.ready.packed.dimension
                if dimension is not None and size != dimension:
                    message = f"embeddings have {size} values; the collection's have {dimension}"
                    raise InvalidInput(message, field=f"writes[{position}].record.entries")
                dimension = size
                puts.append(put)
            except ScenographError as error:
                errors[position] = error
        number = self._put(opened, puts, dimension) if puts else version.number
        return WriteResult(errors, replayed, number)

    def delete(self, opened: Opened, ids: Sequence[str], principal: Principal) -> DeleteResult:
        """Removes records; those that the principal does not see are missing. Errors: Replaced."""
        checks.check_ids(ids)
        wanted = list(dict.fromkeys(ids))
        version, stored = self._stored(opened, wanted)
        found = {
            item: stored[item]
            for item in wanted
            if item in stored and (row := stored[item].item) is not None and principal.sees(row["labels"])
        }
        missing = [item for item in wanted if item not in found]
        if not found:
            return DeleteResult(0, missing, version.number)
        keys = [key for each in found.values() for key in each.keys]
        journal = journal_rows(keys, self._server.time(), opened.about.bits)
        self._server.insert(opened.stored, journal)
        self._server.delete(opened.stored, keys)
        number = self._collections.changed(opened, version.dimension)
        self._collections.tidy(opened, [row["pk"] for row in journal])
        return DeleteResult(len(found), missing, number)

    def _prepared(
        self, opened: Opened, write: Write, stored: _Stored, principal: Principal, where: str
    ) -> _Put:
        about, record = opened.about, write.record
        metadata = checks.check_write(write, about.bits, about.pack, where)
        held = principal.labels
        if stored.item is not None and not principal.sees(stored.item["labels"]):
            raise PermissionDenied(f"{record.id[:80]!r} belongs to others")
        if held is not None and not held.issuperset(record.access_labels):
            raise PermissionDenied("an item can be given only access labels that its writer holds")
        labels = sorted(set(record.access_labels))
        return _Put(write, ready(pack(record, metadata), labels, f"{where}.record"), stored)

    def _put(self, opened: Opened, puts: list[_Put], dimension: int | None) -> int:
        journal: list[str] = []
        now_us = time.time_ns() // 1000
        try:
            for batch in _batches(puts):
                journal += self._batch(opened, batch, now_us)
        finally:  # whatever was written before an error is there, and caches must not outlive it
            number = self._collections.changed(opened, dimension)
        self._collections.tidy(opened, journal)
        return number

    def _batch(self, opened: Opened, puts: Sequence[_Put], now_us: int) -> list[str]:
        """Writes some items at once; the keys of the journal."""
        bits, write = opened.about.bits, self._server.time()
        rows: list[Row] = []
        obsolete: list[str] = []
        for position, put in enumerate(puts):
            item, before = put.stored.item, put.stored
            at = place(write, position) if item is None else item["pk"].partition(".")[0]
            created = now_us if item is None else int(item["created"])
            rows += item_rows(put.ready, at, write, created, now_us)
            obsolete += [*before.keys, *_expired(before.requests, write)]
            if put.write.request_id:
                digest = bytes(put.write.content_digest)
                rows.append(request_row(put.write.record.id, put.write.request_id, digest, write, bits))
        journal = journal_rows(obsolete, write, bits)
        self._server.insert(opened.stored, rows + journal)
        self._server.delete(opened.stored, obsolete)
        return [row["pk"] for row in journal]

    def _stored(self, opened: Opened, ids: Sequence[str]) -> tuple[Version, dict[str, _Stored]]:
        """The collection's version, and what there is of some items."""
        where = f"kind == {Kind.VERSION} or {expressions.of_items(ids)}"
        rows = self._server.query(opened.stored, where, _FIELDS, strong=True)
        versions = [row for row in rows if row["kind"] == Kind.VERSION]
        stored: dict[str, _Stored] = {}
        for row in rows:
            if row["kind"] == Kind.REQUEST:
                stored.setdefault(row["item"], _Stored()).requests.append(row)
            elif row["kind"] in _OF_ITEM:
                stored.setdefault(row["item"], _Stored()).keys.append(row["pk"])
        for item, row in newest(row for row in rows if row["kind"] == Kind.ITEM).items():
            stored[item].item = row
        version = version_in(opened, versions)
        if len(versions) > 1:
            keys = sorted(row["pk"] for row in versions)
            self._collections.tidy(opened, keys[1:])
        return version, stored


def _batches(puts: Sequence[_Put]) -> Iterator[list[_Put]]:
    """The writes in parts that one request holds."""
    batch: list[_Put] = []
    size = 0
    for put in puts:
        if batch and size + put.ready.size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(put)
        size += put.ready.size
    if batch:
        yield batch


def _replayed(stored: _Stored, write: Write) -> bool:
    """Whether this request wrote this item before. Errors: RequestIdReused where it had other content."""
    same = [row for row in stored.requests if write.request_id and row["request"] == write.request_id]
    if any(row["digest"] != bytes(write.content_digest).hex() for row in same):
        message = f"the request id {write.request_id[:80]!r} was used before with other content"
        raise RequestIdReused(f"{message} for {write.record.id[:80]!r}")
    return bool(same)


def _expired(requests: list[Row], now: int) -> list[str]:
    """The keys of requests that need not be remembered any longer."""
    oldest = (now >> LOGICAL_BITS) - REMEMBERED_MS << LOGICAL_BITS
    newer = sorted(requests, key=lambda row: int(row["write"]), reverse=True)
    return [
        str(row["pk"]) for place, row in enumerate(newer) if place >= REMEMBERED - 1 or row["write"] < oldest
    ]
