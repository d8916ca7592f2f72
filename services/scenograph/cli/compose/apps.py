"""The services' apps in this process, each made once; their code is imported only where they are served."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING

from scenograph.cli.compose.parts import Parts
from scenograph.cli.compose.without import without
from scenograph.v1.limits import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from scenograph.encoder.app import EncoderApp
    from scenograph.gateway.app import GatewayApp
    from scenograph.gateway.limits import Limits
    from scenograph.gateway.packs import PackInfo
    from scenograph.hashing.app import HashingApp
    from scenograph.index.app import IndexApp
    from scenograph.matching.app import MatchingApp
    from scenograph.runtime.cache.contract import Cache
    from scenograph.textual.app import TextualApp
    from scenograph.textual.parsers import SentenceParser
    from scenograph.visual.app import VisualApp


class Apps:
    """Made from the shared parts on first use; `start` opens and warms up what was made."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @cached_property
    def visual(self) -> VisualApp:
        from scenograph.scene.visual_taxonomy import Taxonomy
        from scenograph.visual.app import VisualApp
        from scenograph.visual.heads import MODELS, Heads
        from scenograph.visual.units import MODEL

        parts = self.parts
        if parts.has(MODEL):
            parts.needs(MODEL)
        taxonomy, heads = Taxonomy.from_vocabulary(parts.vocabulary), None
        if all(map(parts.has, MODELS)):
            parts.needs(*MODELS)
            heads = Heads(parts.sessions, parts.vocabulary, taxonomy)
        return VisualApp(parts.sessions, parts.vision, taxonomy, heads)

    @cached_property
    def textual(self) -> TextualApp:
        with without("torch"):
            from scenograph.runtime.contracts import Parser
            from scenograph.textual.app import TextualApp
            from scenograph.textual.neural_parser import MODEL, NeuralParser
            from scenograph.textual.parsers import RulesParser

        pack = self.parts.pack
        rules = RulesParser.from_pack(pack, self.parts.metrics)
        parsers: dict[Parser, SentenceParser] = {Parser.RULES: rules}
        parts = self.parts
        if parts.has(MODEL):
            parts.needs(MODEL)
            parsers[Parser.NEURAL] = NeuralParser(parts.sessions, parts.texts, parts.vocabulary, rules)
        default = Parser[parts.settings.textual.parser.upper()]
        app = TextualApp(
            parsers, default if default in parsers else Parser.RULES, pack.id, units=parts.text_units
        )
        self.parts.closing.push_async_callback(app.close)
        return app

    @cached_property
    def encoder(self) -> EncoderApp:
        from scenograph.encoder.app import HEADS, EncoderApp

        parts = self.parts
        parts.needs(*HEADS)
        return EncoderApp(parts.sessions, parts.vision, parts.texts)

    @cached_property
    def hashing(self) -> HashingApp:
        from scenograph.hashing.app import MODEL, HashingApp

        self.parts.needs(MODEL)
        return HashingApp(self.parts.sessions)

    @cached_property
    def matching(self) -> MatchingApp:
        from scenograph.matching.app import MODEL, MatchingApp
        from scenograph.matching.learned import MODEL as UNIT_MODEL
        from scenograph.matching.mixing import WEIGHTS
        from scenograph.runtime.contracts import MatchWeights

        parts = self.parts
        parts.needs(MODEL)
        if parts.text_units is not None:
            parts.needs(UNIT_MODEL)
        weights = MatchWeights(**parts.pack.manifest.match) if parts.pack.manifest.match else WEIGHTS
        return MatchingApp(
            parts.sessions, parts.words, parts.vocabulary, units=parts.text_units, weights=weights
        )

    @cached_property
    def index(self) -> IndexApp:
        from scenograph.index.app import IndexApp
        from scenograph.runtime.telemetry.collections import CollectionSizes

        app = IndexApp(self.parts.settings.data_dir / "index")
        CollectionSizes(app.sizes, self.parts.metrics.registry)
        self.parts.closing.push_async_callback(app.close)
        return app

    @cached_property
    def gateway(self) -> GatewayApp:
        from scenograph.cli.compose.remotes import Reached
        from scenograph.gateway.app import GatewayApp

        reached, settings = Reached(self), self.parts.settings
        return GatewayApp(
            visual=reached.visual(),
            textual=reached.textual(),
            encoder=reached.encoder(),
            hashing=reached.hashing(),
            matching=reached.matching(),
            index=reached.index(),
            cache=self._cache(),
            pack=self.pack_info(),
            folder=settings.data_dir / "uploads",
            limits=self._limits(),
            metrics=self.parts.metrics,
        )

    async def load(self, services: Collection[str]) -> None:
        """Opens the pack and reads the parser where these services need them.

        Errors: PackNotFound, PackCorrupt.
        """
        if set(services) != {"index"}:
            await self.parts.open()
        elsewhere = self.parts.settings.gateway.textual_address
        if "textual" in services or ("gateway" in services and not elsewhere):
            await asyncio.to_thread(lambda: self.textual)  # reading it takes a while

    async def start(self) -> None:
        """Opens the index and warms up the models, as far as the apps made so far need them."""
        if "index" in vars(self):
            await self.index.start()
        if "textual" in vars(self):
            await self.textual.parse(["a dog on a red sofa"])
        await self.parts.warm_up()

    def _cache(self) -> Cache:
        from scenograph.runtime.cache.memory import MemoryCache, NoCache
        from scenograph.runtime.cache.redis import RedisCache

        chosen = self.parts.settings.gateway
        cache: Cache
        if chosen.redis_url:
            cache = RedisCache(chosen.redis_url)
        else:
            cache = MemoryCache(chosen.cache_bytes) if chosen.cache_bytes else NoCache()
        self.parts.closing.push_async_callback(cache.close)
        return cache

    def pack_info(self) -> PackInfo:
        """What the gateway knows of the opened pack."""
        from scenograph.gateway.packs import PackInfo, PackLevel
        from scenograph.gateway.requests import FusionWeights
        from scenograph.packs.manifest import Level as ManifestLevel
        from scenograph.runtime.contracts import DEFAULT_BITS, Level

        pack = self.parts.pack
        weights = pack.manifest.fusion
        size = int(next(output.shape[-1] for output in pack.manifest.models["text_head"].outputs))
        levels = pack.manifest.levels or [ManifestLevel("scene", 0, size, 1.0, [(0, DEFAULT_BITS)])]
        return PackInfo(
            name=pack.name,
            version=pack.id,
            embedding_size=size,
            fusion=FusionWeights(weights["coarse"], weights["float"], weights["graph"]),
            levels=tuple(
                PackLevel(level.name, level.weight, Level(level.start, level.stop, tuple(level.bits)))
                for level in levels
            ),
        )

    def _limits(self) -> Limits:
        from scenograph.gateway.limits import Limits

        images, gateway = self.parts.settings.images, self.parts.settings.gateway
        return Limits(
            max_message_bytes=MAX_MESSAGE_BYTES,
            max_image_pixels=images.max_pixels,
            max_upload_bytes=images.max_bytes,
            max_uploads_bytes=gateway.max_uploads_bytes,
            upload_ttl_s=gateway.upload_ttl_s,
            ranking_ttl_s=gateway.ranking_ttl_s,
            query_ttl_s=gateway.query_ttl_s,
            searches=gateway.searches,
            waiting_searches=gateway.waiting_searches,
            search_wait_s=gateway.search_wait_s,
        )
