"""What the services of one process share, whatever packs they serve: settings, index, cache, threads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from scenograph.packs import Pack
from scenograph.runtime.packs import Packs
from scenograph.runtime.principal import SYSTEM, acting_as
from scenograph.runtime.sessions import Workers
from scenograph.runtime.settings import Settings
from scenograph.runtime.sharing import Shared
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.runtime.tls import caller_certificates
from scenograph.scene.errors import FailedPrecondition
from scenograph.v1.limits import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from scenograph.admin.app import AdminApp
    from scenograph.cli.compose.apps import Apps
    from scenograph.cli.compose.remotes import Reached
    from scenograph.gateway.admission import Admission
    from scenograph.gateway.app import GatewayApp
    from scenograph.gateway.engine import Engine
    from scenograph.gateway.limits import Limits
    from scenograph.gateway.reencoding import Reencoder
    from scenograph.gateway.uploads import Uploads
    from scenograph.index.app import IndexApp
    from scenograph.index.milvus.app import MilvusIndex
    from scenograph.runtime.cache.contract import Cache
    from scenograph.runtime.contracts import Index
    from scenograph.runtime.vault import Vault
    from scenograph.textual.parsers import RulesParser

MODEL_SERVICES = frozenset({"visual", "textual", "encoder", "hashing", "matching"})
WITH_MODELS = frozenset({"encoder", "hashing", "matching"})
"""The services whose models the inference service offers by name."""


class Process:
    """Made once. `closing` is left at the end; `services` are those that are served, by their short names."""

    def __init__(
        self,
        settings: Settings,
        closing: AsyncExitStack,
        metrics: Metrics | None = None,
        services: Collection[str] = (*sorted(MODEL_SERVICES), "index", "gateway"),
    ) -> None:
        self.settings = settings
        self.closing = closing
        self.metrics = metrics or Metrics()
        self.services = tuple(services)
        self.packs: Packs[Apps] = Packs()
        self.ready: Callable[[], bool] = lambda: True
        """Whether the server takes calls; whoever has one says so here."""
        self.index_answers: Callable[[bool], Awaitable[None]] | None = None
        """Who wants to hear whether the index can be reached."""
        self._parsers: Shared[str, RulesParser] = Shared()

    async def start(self) -> None:
        """Opens the index, where it is in this process and anything made so far needs it."""
        if "own_index" in vars(self):
            await self.own_index.start()

    @property
    def needs_pack(self) -> bool:
        """Whether anything here serves with a pack; an index by itself does not."""
        return set(self.services) != {"index"}

    @property
    def serves_inference(self) -> bool:
        return self.settings.inference.enabled and not WITH_MODELS.isdisjoint(self.services)

    @cached_property
    def workers(self) -> Workers:
        chosen = self.settings.sessions
        workers = Workers(threads=chosen.threads, count=chosen.workers)
        self.closing.callback(workers.close)
        return workers

    @cached_property
    def vault(self) -> Vault | None:
        """The keys that data is encrypted by; None where there are none."""
        from scenograph.runtime.vault import Vault

        chosen = self.settings.index
        return Vault.of(chosen.key.get_secret_value(), chosen.key_file)

    @cached_property
    def own_index(self) -> IndexApp | MilvusIndex:
        """The index that this process keeps itself: in its folder, or in Milvus."""
        from scenograph.runtime.telemetry.collections import CollectionSizes

        app = self._in_milvus() if self.settings.index.url else self._in_folder()
        CollectionSizes(app.sizes, self.metrics.registry)
        self.closing.push_async_callback(app.close)
        return app

    def _in_milvus(self) -> MilvusIndex:
        if self.vault is not None:
            raise FailedPrecondition(
                "records on Milvus are not encrypted: give index.url or a key of the index, not both"
            )
        try:
            from scenograph.index.milvus.app import MilvusIndex
        except ModuleNotFoundError as error:
            raise FailedPrecondition(
                'the index on Milvus needs pymilvus: pip install "scenograph[milvus]"'
            ) from error

        async def told(answers: bool) -> None:
            if self.index_answers is not None:
                await self.index_answers(answers)

        chosen = self.settings.index
        strong = chosen.milvus_reads == "strong"
        return MilvusIndex(chosen.url, timeout_s=chosen.milvus_timeout_s, strong=strong, told=told)

    def _in_folder(self) -> IndexApp:
        from scenograph.index.app import IndexApp
        from scenograph.index.limits import Limits

        chosen = self.settings.index
        limits = Limits(exact_up_to=chosen.exact_up_to, recall=chosen.recall)
        return IndexApp(self.settings.data_dir / "index", limits, self.vault)

    @cached_property
    def reached(self) -> Reached:
        """The services in other processes."""
        from scenograph.cli.compose.remotes import Reached
        from scenograph.cli.compose.security import service_key
        from scenograph.gateway.reaching import Reaching

        chosen = self.settings.gateway
        reaching = Reaching(
            caller_certificates(self.settings.tls),
            self.settings.tls.server_name,
            service_key(self.settings.security),
            failures=chosen.circuit_failures,
            wait_s=chosen.circuit_wait_s,
            metrics=self.metrics,
        )
        return Reached(chosen, reaching, self.closing)

    @property
    def index(self) -> Index:
        """The index, wherever it is."""
        return self.reached.index or self.own_index

    @cached_property
    def gateway(self) -> GatewayApp:
        from scenograph.gateway.app import GatewayApp

        return GatewayApp(
            _Engines(self.packs),
            index=self.index,
            cache=self.cache,
            uploads=self.uploads,
            limits=self.limits,
            metrics=self.metrics,
        )

    @cached_property
    def admin(self) -> AdminApp:
        from scenograph.admin.app import AdminApp
        from scenograph.cli.compose.loading import Loader, collections_by_pack

        async def collections() -> dict[str, list[str]]:
            with acting_as(SYSTEM):  # a pack is in use whoever may see the collection
                return await collections_by_pack(self.index) if "gateway" in self.services else {}

        app = AdminApp(self.packs, Loader(self), collections, self.reencoder)
        self.closing.push_async_callback(app.close)
        return app

    @cached_property
    def reencoder(self) -> Reencoder | None:
        """What re-encodes collections; None without a gateway or an index's folder in this process."""
        if not {"gateway", "index"} <= set(self.services) or self.reached.index is not None:
            return None
        from scenograph.index.app import IndexApp

        index = self.own_index
        if not isinstance(index, IndexApp):
            return None
        from scenograph.gateway.reencoding import Reencoder

        reencoder = Reencoder(_Engines(self.packs), index, index, self.packs.quiet)
        self.closing.push_async_callback(reencoder.close)
        return reencoder

    @cached_property
    def uploads(self) -> Uploads:
        from scenograph.gateway.uploads import Uploads

        keys = self.vault.derived("uploads") if self.vault else []
        return Uploads(self.settings.data_dir / "uploads", self.limits, keys)

    @cached_property
    def cache(self) -> Cache:
        from scenograph.runtime.cache.memory import MemoryCache, NoCache
        from scenograph.runtime.cache.redis import RedisCache

        chosen = self.settings.gateway
        cache: Cache
        if chosen.redis_url:
            cache = RedisCache(chosen.redis_url)
        else:
            cache = MemoryCache(chosen.cache_bytes) if chosen.cache_bytes else NoCache()
        self.closing.push_async_callback(cache.close)
        return cache

    @cached_property
    def admission(self) -> Admission:
        from scenograph.gateway.admission import SEARCHES

        return self._admission(SEARCHES)

    @cached_property
    def rank_admission(self) -> Admission:
        from scenograph.gateway.admission import RANKS

        return self._admission(RANKS)

    def _admission(self, queue: str) -> Admission:
        from scenograph.gateway.admission import Admission

        limits = self.limits
        return Admission(
            at_once=limits.searches,
            waiting=limits.waiting_searches,
            wait_s=limits.search_wait_s,
            queue=queue,
            metrics=self.metrics,
        )

    @cached_property
    def limits(self) -> Limits:
        from scenograph.gateway.limits import Limits
        from scenograph.packs.faces.installed import detector_file

        images, gateway = self.settings.images, self.settings.gateway
        return Limits(
            max_message_bytes=MAX_MESSAGE_BYTES,
            max_image_pixels=images.max_pixels,
            max_upload_bytes=images.max_bytes,
            max_uploads_bytes=gateway.max_uploads_bytes,
            upload_ttl_s=gateway.upload_ttl_s,
            ranking_ttl_s=gateway.ranking_ttl_s,
            query_ttl_s=gateway.query_ttl_s,
            keep_images=gateway.keep_images,
            searches=gateway.searches,
            waiting_searches=gateway.waiting_searches,
            search_wait_s=gateway.search_wait_s,
            face_detector=Path(images.face_detector or detector_file(self.settings.packs)),
        )

    def rules_parser(self, pack: Pack, closing: AsyncExitStack) -> RulesParser:
        """The pack's parser, held until `closing` is left (blocking); one for packs whose parser is the same.

        Reading it keeps the interpreter for up to 0.1 s at a time: the costliest part of a load for others.
        """
        from scenograph.textual.parsers import RulesParser, parser_digest

        digest = parser_digest(pack)
        parser = self._parsers.hold(digest, lambda: RulesParser.from_pack(pack, self.metrics))

        async def let_go() -> None:
            if self._parsers.release(digest) is not None:
                await parser.close()

        closing.push_async_callback(let_go)
        return parser


class _Engines:
    """The packs' engines (gateway.collections.Engines)."""

    def __init__(self, packs: Packs[Apps]) -> None:
        self._packs = packs

    @contextmanager
    def use(self, pack: str = "") -> Iterator[Engine]:
        with self._packs.use(pack) as apps:
            yield apps.engine

    def __contains__(self, pack: str) -> bool:
        return pack in self._packs

    def __iter__(self) -> Iterator[str]:
        return iter(self._packs)
