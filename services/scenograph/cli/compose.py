"""Which app needs what: puts apps, adapters to other processes and servicers together from the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from scenograph.packs import Pack, open_pack
from scenograph.runtime.cache.contract import Cache
from scenograph.runtime.cache.memory import MemoryCache, NoCache
from scenograph.runtime.contracts import Encoder, Hashing, Index, Matching, TextualGraphs, VisualGraphs
from scenograph.runtime.sessions import Sessions
from scenograph.runtime.settings import Settings
from scenograph.runtime.texts import TextEncoder, WordVectors
from scenograph.runtime.vision import Vision
from scenograph.v1.limits import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    import grpc

    from scenograph.gateway.app import GatewayApp
    from scenograph.gateway.remote import Remote

Register = Callable[["grpc.aio.Server"], None]


class Parts:
    """Apps and what they share, each made once and only where something asks for it.

    `settings.gateway` says which services are in other processes. Leaving the block closes everything.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._closing = AsyncExitStack()
        self._models: set[str] = set()

    async def __aenter__(self) -> Parts:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._closing.aclose()

    # What apps share.

    @cached_property
    def pack(self) -> Pack:
        """The pack, its files compared with their digests. Errors: PackNotFound, PackCorrupt."""
        return open_pack(self.settings.pack, self.settings.packs, verify=True)

    @cached_property
    def sessions(self) -> Sessions:
        chosen = self.settings.sessions
        sessions = Sessions(self.pack, threads=chosen.threads, workers=chosen.workers)
        self._closing.callback(sessions.close)
        return sessions

    @cached_property
    def vision(self) -> Vision:
        self._models |= {"detector", "backbone"}
        chosen, images = self.settings.sessions, self.settings.images
        return Vision(
            self.sessions,
            max_pixels=images.max_pixels,
            max_bytes=images.max_bytes,
            batch_rows=chosen.batch_rows,
            batch_wait_s=chosen.batch_wait_ms / 1000,
            max_queue=chosen.max_queue,
        )

    @cached_property
    def texts(self) -> TextEncoder:
        self._models.add("text_encoder")
        return TextEncoder(self.sessions)

    @cached_property
    def words(self) -> WordVectors:
        return WordVectors(self.texts, self.sessions)

    async def warm_up(self) -> None:
        """Loads the models that the apps made so far will run, and compares them with the pack's recorded answers."""
        if self._models:
            await asyncio.to_thread(self.sessions.load, self._models)
            await asyncio.to_thread(self.sessions.check, self._models)

    # The services' apps, in this process.

    @cached_property
    def visual_app(self) -> VisualGraphs:
        from scenograph.scene.visual_taxonomy import Taxonomy
        from scenograph.scene.vocabulary import Vocabulary
        from scenograph.visual.app import VisualApp

        return VisualApp(self.sessions, self.vision, Taxonomy.from_vocabulary(Vocabulary.load()))

    @cached_property
    def encoder_app(self) -> Encoder:
        from scenograph.encoder.app import HEADS, EncoderApp

        self._models |= set(HEADS)
        return EncoderApp(self.sessions, self.vision, self.texts, self.words)

    @cached_property
    def hashing_app(self) -> Hashing:
        from scenograph.hashing.app import MODEL, HashingApp

        self._models.add(MODEL)
        return HashingApp(self.sessions)
