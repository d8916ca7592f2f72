"""Loading a pack into a process: opened, its apps made, its models compared with their recorded answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress

from scenograph.cli.compose.apps import Apps
from scenograph.cli.compose.parts import Parts
from scenograph.cli.compose.process import Process
from scenograph.packs import open_pack
from scenograph.runtime.background import Background
from scenograph.runtime.contracts import Index
from scenograph.scene.errors import ScenographError

log = logging.getLogger(__name__)

MakeApps = Callable[[str, AsyncExitStack], Apps]


async def begin(process: Process) -> Apps:
    """The apps of the pack that the settings name, loaded; of none where the process needs none.

    Errors: PackNotFound, PackCorrupt.
    """
    if not process.needs_pack:
        return Apps(Parts(process, process.closing))
    if "gateway" in process.services:
        assert process.gateway is not None  # here, in the loop that its channels belong to
    process.closing.push_async_callback(process.packs.close)
    first = await _load(process, process.settings.pack, lambda work, *args: asyncio.to_thread(work, *args))
    with process.packs.use(first) as apps:
        return apps


class Loader:
    """Loads packs while others serve (admin.app.Loader)."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._background = Background()
        process.closing.callback(self._background.close)

    async def resolve(self, name: str) -> str:
        """The id of an installed pack by "name" or "name@version". Errors: InvalidInput, PackNotFound."""
        packs = self._process.settings.packs
        return (await asyncio.to_thread(open_pack, name, packs, verify=False)).id

    async def load(self, pack: str) -> None:
        """Adds an installed pack to those that serve. Errors: PackNotFound, PackCorrupt."""
        await _load(self._process, pack, self._background.run)


async def load_held(process: Process) -> None:
    """Loads the packs whose codes this process's collections hold, as far as they are installed.

    Collections of a pack that cannot be loaded are refused, as the log says; the others serve.
    """
    if process.reencoder is None:
        return
    for pack, names in sorted((await collections_by_pack(process.index)).items()):
        if pack not in process.packs:
            try:
                await process.admin.load(pack)
            except ScenographError as error:
                log.error("no calls for %s until %s is loaded: %s", ", ".join(names), pack, error)


async def _load(
    process: Process, name: str, offload: Callable[[MakeApps, str, AsyncExitStack], Awaitable[Apps]]
) -> str:
    closing = AsyncExitStack()

    def make(name: str, closing: AsyncExitStack) -> Apps:
        parts = Parts(process, closing)
        parts.open(name)
        apps = Apps(parts)
        apps.make()
        parts.warm_up()
        return apps

    making = asyncio.ensure_future(offload(make, name, closing))
    try:
        apps = await asyncio.shield(making)
        if "textual" in vars(apps):
            await apps.textual.parse(["a dog on a red sofa"])
    except BaseException:
        with suppress(ScenographError, asyncio.CancelledError):
            await making  # a thread cannot be stopped, and may still put things into `closing`
        await closing.aclose()
        raise
    process.packs.add(apps.parts.pack.id, apps, closing.aclose)
    return apps.parts.pack.id


async def collections_by_pack(index: Index) -> dict[str, list[str]]:
    """The names of an index's collections, by the pack whose codes they hold."""
    found: dict[str, list[str]] = {}
    token = ""
    while True:
        collections, token = await index.list_collections(page_size=1000, page_token=token)
        for collection in collections:
            found.setdefault(collection.pack_version, []).append(collection.name)
        if not token:
            return found
