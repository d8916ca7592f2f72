"""The index on Milvus as other services see it: `contracts.Index`. Nothing blocks the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from scenograph.index import checks
from scenograph.index.milvus import expressions
from scenograph.index.milvus.address import parse_address
from scenograph.index.milvus.collections import Collections, Opened, Replaced, Version
from scenograph.index.milvus.reading import FIRST, Reading
from scenograph.index.milvus.schema import Kind, milvus_name
from scenograph.index.milvus.searching import Searching
from scenograph.index.milvus.server import MilvusServer
from scenograph.index.milvus.turns import Turns
from scenograph.index.milvus.writing import Writing
from scenograph.index.records import to_time
from scenograph.index.tokens import Tokens
from scenograph.runtime import principal
from scenograph.runtime.contracts import (
    CODE_BITS,
    DEFAULT_BITS,
    Collection,
    DeleteResult,
    IndexAnswer,
    IndexQuery,
    Modality,
    Record,
    Snapshot,
    Write,
    WriteResult,
)
from scenograph.runtime.principal import Principal
from scenograph.runtime.telemetry.collections import CollectionSize
from scenograph.scene.errors import (
    CollectionNotFound,
    FailedPrecondition,
    InvalidInput,
    PageTokenExpired,
    ScenographError,
    Unavailable,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

START_S, RETRY_S = 60.0, 1.0
PROBE_S = 2.0
ITEMS = expressions.of_kind(Kind.ITEM)


class MilvusIndex:
    """Keeps records in Milvus and finds those whose codes are near. `await start()` first, `await close()`
    last.

    `told` hears whether Milvus answers, whenever that changes. Errors: those of `contracts.Index`;
    Unavailable where Milvus cannot be reached or does not answer in time, on start after a minute.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 10.0,
        strong: bool = True,
        told: Callable[[bool], Awaitable[None]] | None = None,
    ) -> None:
        self._server = MilvusServer(parse_address(url), timeout_s=timeout_s, strong=strong)
        self._collections = Collections(self._server)
        self._reading = Reading(self._server)
        self._searching = Searching(self._server, self._reading)
        self._writing = Writing(self._server, self._collections)
        self._turns = Turns()
        self._told = told
        # Whoever alters a token reads what they could ask for anyway; so the seal need not be a secret.
        self._tokens = Tokens(hashlib.sha256(b"scenograph page tokens").digest())
        self._seen: dict[str, Version] = {}  # by birth of a collection
        self._watch: asyncio.Task[None] | None = None

    async def start(self, *, within_s: float = START_S) -> None:
        """Connects; waits for a Milvus that is starting. Errors: Unavailable."""
        give_up = asyncio.get_running_loop().time() + within_s
        while True:
            try:
                await self._server.run(self._server.connect)
                await self._server.run(self._server.time)
                break
            except Unavailable as error:
                if asyncio.get_running_loop().time() > give_up:
                    raise
                log.warning("waiting for Milvus: %s", error)
                await asyncio.sleep(RETRY_S)
        self._watch = asyncio.create_task(self._watched(), name="milvus-watch")

    async def close(self) -> None:
        """Ends what is under way and lets go of the connection."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        await asyncio.to_thread(self._server.close)

    def sizes(self) -> list[CollectionSize]:
        """How large each collection is now; none where Milvus does not answer. Bytes are not known here. For
        any thread; blocks.
        """
        with suppress(ScenographError):
            return [self._size(name) for name in self._collections.names()]
        return []

    async def create_collection(self, name: str, pack_version: str, bits: int = DEFAULT_BITS) -> Collection:
        """Makes an empty collection. Errors: InvalidInput, CollectionExists."""
        checks.check_name(name, "name")
        checks.check_pack_version(pack_version, "pack_version")
        bits = bits or DEFAULT_BITS
        if bits not in CODE_BITS:
            raise InvalidInput(f"{bits} bits; a code has one of {CODE_BITS}", field="bits")
        await self._server.run(self._collections.create, name, pack_version, bits)
        return await self.get_collection(name)

    async def get_collection(self, name: str) -> Collection:
        """What a collection holds now, of what the caller may see. Errors: CollectionNotFound."""
        who, run = principal.current(), self._server.run

        async def describe(opened: Opened) -> Collection:
            entries = expressions.of_modality(Modality.UNSPECIFIED)
            version, items, parts = await asyncio.gather(
                self._version(opened),
                run(self._reading.count, opened, ITEMS, who),
                run(self._reading.count, opened, entries, who),
            )
            about = opened.about
            created = to_time(about.created_us)
            return Collection(name, about.pack, about.bits, items, parts, version.number, created)

        return await self._with(name, describe)

    async def list_collections(
        self, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Collection], str]:
        """The collections, by name. Errors: InvalidPageToken."""
        size = checks.page_size(page_size)
        after = str(self._tokens.unseal(page_token, "collections")[0]) if page_token else ""
        may_read = principal.current().may_read
        known = await self._server.run(self._collections.names)
        names = [name for name in known if name > after and may_read(name)]
        found = await asyncio.gather(*map(self.get_collection, names[:size]), return_exceptions=True)
        collections = []
        for each in found:
            if isinstance(each, Collection):
                collections.append(each)
            elif not isinstance(each, CollectionNotFound):  # removed meanwhile, or not ours
                raise each
        token = self._tokens.seal("collections", names[size - 1]) if len(names) > size else ""
        return collections, token

    async def delete_collection(self, name: str) -> None:
        """Removes a collection and all it holds. Errors: CollectionNotFound."""
        await self._server.run(self._collections.drop, checks.check_name(name, "name"))

    async def upsert(self, collection: str, writes: Sequence[Write]) -> WriteResult:
        """Writes records, each whole or not at all; returns once Milvus has taken them, so that every reader
        sees them from then on.

        Errors: DuplicateItem, InvalidInput, ResourceExhausted for the call; in the answer those of single
        writes. After Unavailable or DeadlineExceeded the writes may be there or not: repeat them.
        """
        ids = [write.record.id for write in writes]
        return await self._write(collection, ids, self._writing.upsert, writes)

    async def delete(self, collection: str, ids: Sequence[str]) -> DeleteResult:
        """Removes records; returns once no reader sees them. Errors: InvalidInput, ResourceExhausted."""
        return await self._write(collection, ids, self._writing.delete, ids)

    async def get(
        self, collection: str, ids: Sequence[str], *, brief: bool = False
    ) -> tuple[list[Record], list[str]]:
        """Records by id: those that exist, in the order asked for, and the ids that do not."""
        return await self._read(collection, self._reading.get, ids, brief, principal.current())

    async def list_items(
        self,
        collection: str,
        *,
        page_size: int = 0,
        page_token: str = "",
        filter: str = "",
        brief: bool = False,
    ) -> tuple[list[Record], str]:
        """Records in the order of first writing, as far as they were written before the first page. Errors:
        InvalidFilter, InvalidPageToken, PageTokenExpired where the collection was replaced since.
        """
        size, who = checks.page_size(page_size), principal.current()
        digest = hashlib.sha256(filter.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        scope = ("items", collection, digest, expressions.visible(who))
        born, until, after = "", "", FIRST
        if page_token:
            born, until, after = map(str, self._tokens.unseal(page_token, *scope))

        async def read(opened: Opened) -> tuple[list[Record], str]:
            run = self._server.run
            if page_token and born != opened.about.born:
                raise PageTokenExpired("the collection was replaced since the first page; list it again")
            end = until or f"{await run(self._server.time):016x}"
            records, at = await run(self._reading.list_items, opened, after, end, size, filter, brief, who)
            token = "" if at is None else self._tokens.seal(*scope, opened.about.born, end, at)
            return records, token

        return await self._with(collection, read)

    async def search(self, collection: str, query: IndexQuery) -> IndexAnswer:
        """The entries nearest to a code. Errors: InvalidInput, InvalidFilter, PackMismatch.

        The answer's version is one that was seen before: it holds that, and perhaps what came since.
        """
        who, run = principal.current(), self._server.run

        async def read(opened: Opened) -> IndexAnswer:
            about = opened.about
            seen = self._seen.get(about.born) or await self._version(opened)
            try:
                checks.check_query(query, about.bits, about.pack, seen.dimension)
            except ScenographError:
                await self._version(opened)  # says so where the collection is another by now
                raise
            kind = expressions.of_modality(query.modality)
            _, (hits, timings), considered = await asyncio.gather(
                self._version(opened),
                run(self._searching.search, opened, query, who),
                run(self._reading.count, opened, kind, who, query.filter),
            )
            return IndexAnswer(hits, considered, seen.number, timings)

        return await self._with(collection, read)

    async def create_snapshot(self, collection: str, snapshot: str = "") -> Snapshot:
        """Not here. Errors: FailedPrecondition."""
        _no_snapshots()

    async def list_snapshots(
        self, collection: str = "", page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Snapshot], str]:
        """There are none."""
        return [], ""

    async def restore_snapshot(self, snapshot: str, collection: str = "") -> Collection:
        """Not here. Errors: FailedPrecondition."""
        _no_snapshots()

    async def delete_snapshot(self, snapshot: str) -> None:
        """Not here. Errors: FailedPrecondition."""
        _no_snapshots()

    async def _version(self, opened: Opened) -> Version:
        """The collection's version now. Errors: Replaced."""
        version = await self._server.run(self._collections.version, opened)
        seen = self._seen.get(opened.about.born)
        if seen is None or seen.number < version.number:
            self._seen[opened.about.born] = version
        return version

    def _size(self, name: str) -> CollectionSize:
        opened = self._collections.open(name)
        entries = expressions.of_modality(Modality.UNSPECIFIED)
        items, parts = (self._reading.count(opened, kind, principal.SYSTEM) for kind in (ITEMS, entries))
        return CollectionSize(name, items, parts, 0)

    async def _with(self, name: str, work: Callable[[Opened], Awaitable[T]]) -> T:
        """Does the work with the collection; again, where another of that name has taken its place."""
        for attempt in range(2):
            opened = await self._open(name)
            try:
                return await work(opened)
            except Replaced:
                self._forget(opened)
            except CollectionNotFound:
                self._forget(opened)
                if attempt:
                    raise
        raise Unavailable(f"{name[:80]!r} is being replaced")

    def _forget(self, opened: Opened) -> None:
        self._collections.forget(opened.name)
        self._seen.pop(opened.about.born, None)

    async def _open(self, name: str) -> Opened:
        try:
            milvus_name(checks.check_name(name, "collection"))
        except InvalidInput:
            raise CollectionNotFound(f"there is no collection {name[:80]!r}") from None
        return await self._server.run(self._collections.open, name)

    async def _read(self, name: str, work: Callable[..., T], *arguments: Any) -> T:
        async def read(opened: Opened) -> T:
            return await self._server.run(work, opened, *arguments)

        return await self._with(name, read)

    async def _write(
        self, name: str, ids: Sequence[str], work: Callable[[Opened, Any, Principal], T], what: Any
    ) -> T:
        """A write once begun goes on to its end, whether or not anybody still waits for it."""
        who = principal.current()

        async def made(opened: Opened) -> T:
            result = await self._server.run(work, opened, what, who)
            self._seen.pop(opened.about.born, None)  # the next search reads it anew
            return result

        async def write() -> T:
            async with self._turns.of(f"{name} {item}" for item in ids):
                return await self._with(name, made)

        return await asyncio.shield(asyncio.create_task(write()))

    async def _watched(self) -> None:
        """Asks now and then whether Milvus answers, and tells when that has changed."""
        answers = True
        while True:
            await asyncio.sleep(PROBE_S)
            try:
                await self._server.run(self._server.time)
                now = True
            except ScenographError:
                now = False
            if now != answers:
                log.warning("Milvus answers again" if now else "Milvus does not answer")
                answers = now
                if self._told is not None:
                    await self._told(now)


def _no_snapshots() -> NoReturn:
    raise FailedPrecondition("an index on Milvus has no snapshots: back up Milvus with its own tools")
