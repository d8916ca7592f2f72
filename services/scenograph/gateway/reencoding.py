"""Re-encoding: a collection's items made anew with another pack while it serves, then the switch."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from scenograph.gateway.collections import Engines
from scenograph.gateway.deadlines import StageTimes
from scenograph.gateway.engine import Engine
from scenograph.runtime.contracts import Entry, Index, Metadata, Record, Reencodable, SecondIndex, Source
from scenograph.runtime.principal import SYSTEM, acting_as
from scenograph.runtime.reencoding import Reencoding, ReencodingState
from scenograph.scene.errors import (
    FailedPrecondition,
    ImagesNotKept,
    Internal,
    InvalidInput,
    ReencodingNotFound,
    ScenographError,
)

log = logging.getLogger(__name__)

TEXTS = 16
"""Texts that are made anew at a time; of images one, so that a call waits for one at most."""
LEFT = 8
"""Writes wait, for the end, once so few items are left."""
PATIENCE = 4.0
"""While calls are under way, the work rests for so many times as long as its last step took."""


class Reencoder:
    """Runs one re-encoding at a time (runtime.reencoding.Reencodings).

    `quiet` returns once no more than so many uses of packs are under way; the re-encoding's own is one.
    """

    def __init__(
        self,
        engines: Engines,
        index: Index,
        second: Reencodable,
        quiet: Callable[[int], Awaitable[None]],
    ) -> None:
        self._engines = engines
        self._index = index
        self._second = second
        self._quiet = quiet
        self._known: dict[str, Reencoding] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._unwanted: set[str] = set()
        self._one = asyncio.Lock()

    async def close(self) -> None:
        """Stops what runs; a later life of the process can go on with it."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def running(self) -> list[asyncio.Task[None]]:
        """The work under way, for whoever waits for its end."""
        return list(self._running.values())

    def packs(self) -> set[str]:
        return {self._known[collection].pack for collection in self._running}

    async def start(self, collection: str, pack: str) -> Reencoding:
        described = await self._index.get_collection(collection)
        with self._engines.use(pack) as engine:
            info = engine.pack
        if described.pack_version == info.version:
            raise InvalidInput(f"{collection!r} holds codes of {info.version} already", field="pack")
        if described.bits not in info.code_bits:
            raise FailedPrecondition(f"{info.version} makes no codes of {described.bits} bits")
        await self._check_images(collection)
        if collection in self._running:
            known = self._known[collection]
            if known.pack != info.version:
                raise FailedPrecondition(
                    f"{collection!r} is being re-encoded to {known.pack}; cancel that first"
                )
            return known
        now = datetime.now(UTC)
        self._known[collection] = Reencoding(
            collection, info.version, ReencodingState.RUNNING, 0, described.items, now
        )
        with acting_as(SYSTEM):  # it outlives the call that asked for it
            task = self._running[collection] = asyncio.create_task(self._run(collection, info.version))
        task.add_done_callback(lambda _: self._running.pop(collection, None))
        return self._known[collection]

    async def get(self, collection: str) -> Reencoding:
        for found in await self.list():
            if found.collection == collection:
                return found
        raise ReencodingNotFound(f"collection {collection!r} has had no re-encoding")

    async def list(self) -> list[Reencoding]:
        found = {
            left.collection: Reencoding(
                left.collection,
                left.pack_version,
                ReencodingState.INTERRUPTED,
                left.done,
                left.total,
                left.start_time,
            )
            for left in await self._second.unfinished()
        }
        return [known for _, known in sorted({**found, **self._known}.items())]

    async def cancel(self, collection: str) -> Reencoding:
        found = await self.get(collection)
        if task := self._running.get(collection):
            self._unwanted.add(collection)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if self._known[collection].state is ReencodingState.RUNNING:  # it had not come to its first step
                self._unwanted.discard(collection)
                self._end(collection, ReencodingState.CANCELLED)
        elif found.state in (ReencodingState.INTERRUPTED, ReencodingState.FAILED):
            second = await self._second.second(collection, found.pack)
            await second.discard()
            self._known[collection] = found
            self._end(collection, ReencodingState.CANCELLED)
        return self._known.get(collection, found)

    async def _check_images(self, collection: str) -> None:
        missing = await self._second.images_not_kept(collection)
        if missing:
            raise ImagesNotKept(
                f"the images of {missing} items of {collection!r} were not kept; ingest these items again "
                "while gateway.keep_images is on, or fill a new collection",
                metadata={"items": str(missing)},
            )

    async def _run(self, collection: str, pack: str) -> None:
        """Ends in a state that tells; it raises nothing but its own cancellation."""
        try:
            async with self._one:
                with self._engines.use(pack) as engine:
                    await self._make(collection, engine)
        except asyncio.CancelledError:
            wanted = collection not in self._unwanted
            self._end(collection, ReencodingState.INTERRUPTED if wanted else ReencodingState.CANCELLED)
            raise
        except ScenographError as error:
            self._end(collection, ReencodingState.FAILED, error)
            log.error("re-encoding %s to %s: %s", collection, pack, error)
        except Exception:
            self._end(collection, ReencodingState.FAILED, Internal("internal error; the log has the details"))
            log.exception("re-encoding %s to %s", collection, pack)
        else:
            self._end(collection, ReencodingState.DONE)
            log.info("collection %s holds codes of %s now", collection, pack)
        finally:
            self._unwanted.discard(collection)

    async def _make(self, collection: str, engine: Engine) -> None:
        opening = asyncio.create_task(self._second.second(collection, engine.pack.version))
        try:
            await self._make_all(collection, engine, await asyncio.shield(opening))
        finally:
            second = await opening  # a thread opens it, also where this is cancelled
            await (second.discard() if collection in self._unwanted else second.close())

    async def _make_all(self, collection: str, engine: Engine, second: SecondIndex) -> None:
        """Makes what is to be done, then what was written meanwhile, until that is little; then the rest
        while writes wait, and switches.
        """
        alone = False
        while True:
            places, total = await second.to_do()
            self._progress(collection, total - len(places), total)
            if alone and not places:
                await _whole(second.switch())
                return
            if not alone and len(places) <= LEFT:
                await second.stop_writes()
                alone = True
                continue
            done = total - len(places)
            for start in range(0, len(places), TEXTS):
                sources = await second.read(places[start : start + TEXTS])
                for part in _parts(sources):
                    began = time.monotonic()
                    await second.store(await _made(engine, part, second.bits))
                    done += len(part)
                    self._progress(collection, done, total)
                    if not alone:
                        await self._rest(time.monotonic() - began)

    async def _rest(self, step_s: float) -> None:
        """Leaves the models to calls under way, for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE * step_s):
                await self._quiet(1)

    def _progress(self, collection: str, done: int, total: int) -> None:
        self._known[collection] = replace(self._known[collection], done=done, total=total)

    def _end(self, collection: str, state: ReencodingState, error: ScenographError | None = None) -> None:
        now = datetime.now(UTC)
        self._known[collection] = replace(self._known[collection], state=state, end_time=now, error=error)


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """Waits for the end of what must not be left half done; a cancellation comes too late for it."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task


def _parts(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """The sources in order, in parts of at most one image."""
    part: list[Source] = []
    for source in sources:
        if part and source.has_image and any(other.has_image for other in part):
            yield part
            part = []
        part.append(source)
    if part:
        yield part


async def _made(engine: Engine, sources: Sequence[Source], bits: int) -> list[tuple[Source, Record]]:
    """The items' records by another pack. Errors: ImagesNotKept, those of an image or text, with its item."""
    for source in sources:
        if source.has_image and not source.image:
            raise ImagesNotKept(f"the image of item {source.id!r} was not kept", metadata={"items": "1"})
    images = [source.image for source in sources if source.has_image]
    texts = [text for source in sources for text in source.texts]
    seen, said = await engine.maker.make(images, texts, bits, StageTimes())
    next_image, next_text = iter(seen), iter(said)
    records = []
    for source in sources:
        made = [next(next_image)] if source.has_image else []
        made += [next(next_text) for _ in source.texts]
        entries: list[Entry] = []
        for place, entry in enumerate(made, -1 if source.has_image else 0):
            if isinstance(entry, ScenographError):
                raise FailedPrecondition(f"item {source.id!r}: {entry.message}") from entry
            entries.append(replace(entry, ordinal=max(place, 0)))
        made_anew = Record(
            source.id,
            tuple(entries),
            engine.pack.version,
            _NO_METADATA,
            access_labels=source.access_labels,
        )
        records.append((source, made_anew))
    return records


_NO_METADATA: Metadata = {}
"""A record's metadata goes over as it is stored (Source.metadata)."""
