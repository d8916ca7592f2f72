"""From a batch of items to writes for the index; an item that cannot be stored has its error instead."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from scenograph.gateway.answers import Outcome
from scenograph.gateway.collections import Collections
from scenograph.gateway.deadlines import StageTimes
from scenograph.gateway.digests import item_digest
from scenograph.gateway.entries import Made
from scenograph.gateway.fields import at_field
from scenograph.gateway.limits import Limits
from scenograph.gateway.meter import Meter
from scenograph.gateway.requests import IngestItem, Item
from scenograph.gateway.uploads import Uploads
from scenograph.gateway.validation import check_item
from scenograph.prep.strip import strip_metadata
from scenograph.runtime.contracts import Entry, Index, Record, Write
from scenograph.runtime.telemetry.spans import span
from scenograph.scene.errors import Internal, InvalidInput, PackMismatch, ScenographError

if TYPE_CHECKING:
    from scenograph.gateway.faces import FaceBlurrer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """One item of a batch: its write, or its error."""

    request: IngestItem
    write: Write | ScenographError


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    """An item with its image's file as it was sent, and as it is to be used."""

    request: IngestItem
    sent: bytes
    content: bytes


class Writer:
    """Makes items ready (models; no order needed) and writes them (index; in order).

    Errors stay with their items.
    """

    def __init__(
        self,
        index: Index,
        collections: Collections,
        uploads: Uploads,
        meter: Meter,
        *,
        limits: Limits,
    ) -> None:
        self._index = index
        self._collections = collections
        self._uploads = uploads
        self._meter = meter
        self._limits = limits

    async def ready(self, batch: Sequence[IngestItem]) -> list[Ready]:
        """One result for each item, in order. All are of one collection."""
        with span("prepare", {"scenograph.items": len(batch)}):
            return await self._ready(batch)

    async def write(self, batch: Sequence[Ready]) -> list[Outcome]:
        """Writes what is ready: what became of each item, in order.

        An outcome without an error is durable.
        """
        with span("write", {"scenograph.items": len(batch)}):
            outcomes = await self._write(batch)
        self._meter.ingested(outcomes)
        return outcomes

    async def _ready(self, batch: Sequence[IngestItem]) -> list[Ready]:
        loaded = [await self._load(request) for request in batch]
        sound = [one for one in loaded if isinstance(one, _Loaded)]
        made = iter(await self._make(sound))
        return [
            Ready(request, next(made) if isinstance(one, _Loaded) else one)
            for request, one in zip(batch, loaded, strict=True)
        ]

    async def _write(self, batch: Sequence[Ready]) -> list[Outcome]:
        results = await self._upsert(batch)
        late = [place for place, (error, _) in enumerate(results) if isinstance(error, PackMismatch)]
        if late:  # the collection was re-encoded meanwhile: made anew with its pack of now
            again = await self._ready([batch[place].request for place in late])
            for place, result in zip(late, await self._upsert(again), strict=True):
                results[place] = result
        outcomes = []
        for ready, (error, replayed) in zip(batch, results, strict=True):
            item = ready.request.item
            if error is None and item.image is not None and item.image.upload_id:
                await self._uploads.use_up(
                    [item.image.upload_id],
                    request_id=ready.request.request_id,
                    item=(ready.request.collection, item.id),
                )
            outcomes.append(Outcome(item.id, ready.request.request_id, error, replayed))
        return outcomes

    async def _upsert(self, batch: Sequence[Ready]) -> list[tuple[ScenographError | None, bool]]:
        """The error of each, or whether it was a repetition, in order."""
        writes = [ready.write for ready in batch if isinstance(ready.write, Write)]
        results: list[tuple[ScenographError | None, bool]] = []
        if writes:
            try:
                result = await self._index.upsert(batch[0].request.collection, writes)
                results = list(zip(result.errors, result.replayed, strict=True))
            except Exception as failure:
                results = [(_told(failure), False)] * len(writes)
        written = iter(results)
        return [next(written) if isinstance(ready.write, Write) else (ready.write, False) for ready in batch]

    async def _load(self, request: IngestItem) -> _Loaded | ScenographError:
        image = request.item.image
        try:
            check_item(request.item, request.request_id)
            if image is None:
                return _Loaded(request, b"", b"")
            owner = (request.collection, request.item.id)
            sent = image.content or await self._uploads.read(
                image.upload_id, request_id=request.request_id, item=owner
            )
            return _Loaded(request, sent, await self._usable(request.item, sent))
        except ScenographError as error:
            return error

    async def _usable(self, item: Item, sent: bytes) -> bytes:
        try:
            return await self._faces.blurred(sent) if item.blur_faces else sent
        except ScenographError as error:
            raise at_field(error, "image") from error

    @cached_property
    def _faces(self) -> FaceBlurrer:
        """What blurs faces, with libraries that a gateway needs for nothing else."""
        from scenograph.gateway.faces import FaceBlurrer

        limits = self._limits
        return FaceBlurrer(limits.face_detector, limits.max_image_pixels, limits.max_upload_bytes)

    async def _make(self, batch: Sequence[_Loaded]) -> Sequence[Write | ScenographError]:
        """The writes of a batch; where it fails for what may be one item's sake, of each item by itself."""
        if not batch:
            return []
        try:
            return await self._make_together(batch)
        except Exception as failure:
            one_items_fault = isinstance(failure, InvalidInput | Internal)
            if len(batch) > 1 and (one_items_fault or not isinstance(failure, ScenographError)):
                return [write for one in batch for write in await self._make([one])]
            return [_told(failure)] * len(batch)

    async def _make_together(self, batch: Sequence[_Loaded]) -> Sequence[Write | ScenographError]:
        images = [one.content for one in batch if one.request.item.image is not None]
        texts = [text for one in batch for text in one.request.item.texts]
        times = StageTimes()
        async with self._collections.of(batch[0].request.collection) as (engine, collection):
            seen, said = await engine.maker.make(images, texts, collection.bits, times)
        self._meter.prepared(times.so_far())
        image_entries, text_entries = iter(seen), iter(said)
        writes: list[Write | ScenographError] = []
        for one in batch:
            item = one.request.item
            made = [("image", next(image_entries))] if item.image is not None else []
            made += [(f"texts[{place}]", next(text_entries)) for place in range(len(item.texts))]
            write = _assemble(one, made, engine.pack.version)
            if isinstance(write, Write) and self._limits.keep_images and item.image is not None:
                write = replace(write, original=await asyncio.to_thread(strip_metadata, one.content))
            writes.append(write)
        return writes


def _assemble(one: _Loaded, made: Sequence[tuple[str, Made]], pack_version: str) -> Write | ScenographError:
    item = one.request.item
    entries: list[Entry] = []
    texts = 0
    for field, entry in made:
        if isinstance(entry, ScenographError):
            return at_field(entry, field)
        if field != "image":
            entry = replace(entry, ordinal=texts)
            texts += 1
        entries.append(entry)
    record = Record(item.id, tuple(entries), pack_version, item.metadata, access_labels=item.access_labels)
    return Write(record, one.request.request_id, item_digest(item, one.sent))


def _told(failure: Exception) -> ScenographError:
    """What an item's status says of a failure; of an unforeseen one only an id, the rest is in the log."""
    if isinstance(failure, ScenographError):
        return failure
    error_id = uuid.uuid4().hex
    log.error("ingest failed", exc_info=failure, extra={"error_id": error_id})
    return Internal("internal error", metadata={"error_id": error_id})
