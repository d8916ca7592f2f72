"""AdminApp: the packs of a process, loaded beside one another, switched, unloaded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Protocol

from scenograph.runtime.listing import page
from scenograph.runtime.packs import Packs
from scenograph.runtime.principal import SYSTEM, acting_as
from scenograph.runtime.reencoding import Reencoding, Reencodings
from scenograph.scene.errors import FailedPrecondition, Internal, InvalidInput, PackInUse, ScenographError

log = logging.getLogger(__name__)

SHOWN = 1000
"""Collections that one pack's status names."""


class PackState(IntEnum):
    """What a pack is doing; numbers as in the proto."""

    LOADING = 1
    READY = 2
    FAILED = 3
    UNLOADING = 4


@dataclass(frozen=True, slots=True)
class PackStatus:
    """A pack in this process; `calls` are under way on it, `error` says why it could not be loaded."""

    pack: str
    state: PackState
    is_default: bool
    collections: tuple[str, ...]
    calls: int
    change_time: datetime
    error: ScenographError | None = None


class Loader(Protocol):
    """What puts packs into this process."""

    async def resolve(self, name: str) -> str:
        """The id of an installed pack, "name@version". Errors: InvalidInput, PackNotFound."""
        ...

    async def load(self, pack: str) -> None:
        """Adds it to the packs that serve, once it gave its recorded answers. Errors: PackCorrupt."""
        ...


@dataclass(frozen=True, slots=True)
class _Change:
    state: PackState
    time: datetime
    error: ScenographError | None = None


class AdminApp:
    """Changes which packs serve. `collections`: names of the collections that hold a pack's codes, by pack.
    `reencodings`: None where this process has not both gateway and index.

    Loading and unloading go on where their caller does not wait for the end.
    """

    def __init__(
        self,
        packs: Packs[Any],
        loader: Loader,
        collections: Callable[[], Awaitable[Mapping[str, Sequence[str]]]],
        reencodings: Reencodings | None = None,
    ) -> None:
        self._packs = packs
        self._loader = loader
        self._collections = collections
        self._reencodings = reencodings
        self._changes: dict[str, _Change] = {}
        self._began = datetime.now(UTC)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._one_load = asyncio.Lock()

    async def close(self) -> None:
        """Gives up what is being loaded or unloaded."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    @property
    def reencodings(self) -> Reencodings:
        """Errors: FailedPrecondition where this process cannot re-encode."""
        if self._reencodings is None:
            raise FailedPrecondition(
                "collections are re-encoded where one process has the gateway and the index's folder"
            )
        return self._reencodings

    async def load(self, name: str) -> PackStatus:
        """Loads a pack beside the others; the same answer for one that is loaded already.

        Errors: InvalidInput, PackNotFound, PackCorrupt, FailedPrecondition (it is being unloaded).
        """
        pack = await self._loader.resolve(name)
        if pack not in self._packs:
            if self._state(pack) is PackState.UNLOADING:
                raise FailedPrecondition(f"{pack} is being unloaded; load it when that has ended")
            if pack not in self._running:
                self._change(pack, PackState.LOADING)
                self._start(pack, self._load(pack))
            await asyncio.shield(self._running[pack])
        return await self.status(pack)

    async def unload(self, name: str, *, force: bool = False) -> None:
        """Takes a pack out, once the calls that began with it have ended. A failed load is forgotten.

        Errors: PackNotLoaded, PackInUse (it is the default, is re-encoded to, or holds collections without
        `force`).
        """
        pack = self._loaded(name)
        if self._state(pack) is PackState.FAILED:
            del self._changes[pack]
            return
        if self._state(pack) is not PackState.UNLOADING:
            await self._check_unused(pack, force=force)
            self._start(pack, self._unload(pack))
        await asyncio.shield(self._running[pack])

    async def set_default(self, name: str) -> tuple[PackStatus, str]:
        """Serves with this pack what begins from now on and names none; and the default until now.

        Errors: InvalidInput, PackNotLoaded.
        """
        pack = self._loaded(name)
        previous = self._packs.set_default(pack)
        if previous != pack:
            log.info("default pack: %s, was %s", pack, previous)
        return await self.status(pack), previous

    async def list(self, page_size: int = 0, page_token: str = "") -> tuple[list[PackStatus], str]:
        """A page of the packs by id, and the next page's token. Errors: InvalidPageToken."""
        names, token = page(sorted({*self._packs, *self._changes}), str, page_size, page_token)
        collections = await self._collections()
        return [self._status(pack, collections) for pack in names], token

    async def list_reencodings(
        self, page_size: int = 0, page_token: str = ""
    ) -> tuple[Sequence[Reencoding], str]:
        """A page of the re-encodings by collection. Errors: InvalidPageToken, FailedPrecondition."""
        return page(await self.reencodings.list(), lambda each: each.collection, page_size, page_token)

    async def status(self, pack: str) -> PackStatus:
        """One pack."""
        return self._status(pack, await self._collections())

    def _status(self, pack: str, collections: Mapping[str, Sequence[str]]) -> PackStatus:
        change = self._changes.get(pack) or _Change(PackState.READY, self._began)
        return PackStatus(
            pack,
            change.state,
            pack == self._packs.default,
            tuple(sorted(collections.get(pack, ()))[:SHOWN]),
            self._packs.calls_of(pack),
            change.time,
            change.error,
        )

    def _loaded(self, name: str) -> str:
        """A pack that this process knows, by its id, or by its name where it knows one of that name."""
        if not name:
            raise InvalidInput("a pack is needed", field="pack")
        known = {*self._packs, *self._changes}
        versions = [pack for pack in known if pack == name or pack.startswith(f"{name}@")]
        if len(versions) > 1:
            raise InvalidInput(
                f"several packs are named {name!r}: {', '.join(sorted(versions))}", field="pack"
            )
        return versions[0] if versions else name

    async def _check_unused(self, pack: str, *, force: bool) -> None:
        if self._reencodings is not None and pack in self._reencodings.packs():
            raise PackInUse(f"a collection is being re-encoded with {pack}", metadata={"pack": pack})
        held = () if force or pack == self._packs.default else (await self._collections()).get(pack, ())
        if held:
            some = ", ".join(sorted(held)[:3]) + (", ..." if len(held) > 3 else "")
            raise PackInUse(
                f"{len(held)} collections hold codes of {pack} ({some}); re-encode them, or use force",
                metadata={"pack": pack},
            )

    async def _load(self, pack: str) -> None:
        try:
            async with self._one_load:
                await self._loader.load(pack)
        except ScenographError as error:
            self._change(pack, PackState.FAILED, error)
            log.error("pack %s was not loaded: %s", pack, error)
            raise
        except Exception as error:
            self._change(pack, PackState.FAILED, Internal("internal error; the log has the details"))
            log.exception("pack %s was not loaded", pack)
            raise error
        self._change(pack, PackState.READY)
        log.info("pack %s is loaded", pack)

    async def _unload(self, pack: str) -> None:
        before = self._changes.get(pack)
        self._change(pack, PackState.UNLOADING)
        try:
            await self._packs.remove(pack)
        except ScenographError:
            self._changes.pop(pack, None)
            if before is not None:
                self._changes[pack] = before
            raise
        del self._changes[pack]
        log.info("pack %s is unloaded", pack)

    def _state(self, pack: str) -> PackState | None:
        change = self._changes.get(pack)
        return None if change is None else change.state

    def _change(self, pack: str, state: PackState, error: ScenographError | None = None) -> None:
        self._changes[pack] = _Change(state, datetime.now(UTC), error)

    def _start(self, pack: str, work: Any) -> None:
        with acting_as(SYSTEM):  # it outlives the call that asked for it
            task = self._running[pack] = asyncio.create_task(work)

        def ended(task: asyncio.Task[None]) -> None:
            self._running.pop(pack, None)
            if not task.cancelled():
                task.exception()  # its caller may be gone; the state tells

        task.add_done_callback(ended)
