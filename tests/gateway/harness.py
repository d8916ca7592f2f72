"""What the gateway's tests share: photographs, sentences, short ways to ask, and services with faults."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tests.support import sample_photo

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.admission import RANKS, SEARCHES, Admission
from scenograph.gateway.answers import Outcome, SearchPage
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.engine import Engine
from scenograph.gateway.limits import Limits
from scenograph.gateway.packs import PackInfo, PackLevel
from scenograph.gateway.requests import (
    ExpressionSource,
    FusionWeights,
    ImageSource,
    Item,
    QueryPart,
    RankingOptions,
    SearchRequest,
    Source,
    StoredSource,
    TextSource,
)
from scenograph.gateway.uploads import Uploads
from scenograph.index.app import IndexApp
from scenograph.runtime.cache.contract import Cache
from scenograph.runtime.cache.memory import MemoryCache
from scenograph.runtime.contracts import (
    Index,
    Level,
    MatchBatch,
    Matching,
    MatchWeights,
    Parser,
    TextBatch,
    TextualGraphs,
    VisualGraphs,
)
from scenograph.runtime.packs import Packs
from scenograph.runtime.telemetry.metrics import UNREAD, Metrics
from scenograph.scene.errors import ScenographError
from scenograph.scene.graph import GraphQuery, SceneGraph

PHOTOS = {
    "astronaut": ("astronaut.png", "a smiling woman in an orange space suit"),
    "cat": ("chelsea.png", "a tabby cat looks at the camera"),
    "coffee": ("coffee.png", "a cup of coffee on a wooden table"),
    "motorcycle": ("motorcycle_left.png", "a motorcycle stands in a garage"),
    "rocket": ("rocket.jpg", "a rocket at night"),
}
SENTENCES = [
    f"{who} {does} {where}"
    for who in ("a brown dog", "two children", "an old man")
    for does in ("runs", "sits on a red bench", "plays with a ball")
    for where in ("at the beach", "in the park", "near a car")
]


def photo(file: str) -> bytes:
    return sample_photo(file).read_bytes()


def gateway_with(
    apps: Apps,
    folder: Path,
    *,
    cache: Cache | None = None,
    matching: Matching | None = None,
    visual: VisualGraphs | None = None,
    textual: TextualGraphs | None = None,
    index: Index | None = None,
    pack: PackInfo | None = None,
    limits: Limits | None = None,
    metrics: Metrics = UNREAD,
) -> GatewayApp:
    """A gateway over the same services, but for those given."""
    cache = cache or MemoryCache(64 * 2**20)
    engine = engine_with(
        apps,
        folder,
        cache=cache,
        matching=matching,
        visual=visual,
        textual=textual,
        index=index,
        pack=pack,
        limits=limits,
        metrics=metrics,
    )
    packs: Packs[Engine] = Packs()
    packs.add(engine.pack.version, engine)
    return gateway_of(apps, packs, folder, cache=cache, index=index, limits=limits, metrics=metrics)


def gateway_of(
    apps: Apps,
    packs: Packs[Engine],
    folder: Path,
    *,
    cache: Cache | None = None,
    index: Index | None = None,
    limits: Limits | None = None,
    metrics: Metrics = UNREAD,
) -> GatewayApp:
    """A gateway of some packs."""
    limits = limits or Limits()
    return GatewayApp(
        packs,
        index=index or apps.index,
        cache=cache or MemoryCache(2**20),
        uploads=Uploads(folder, limits),
        limits=limits,
        metrics=metrics,
    )


def engine_with(
    apps: Apps,
    folder: Path,
    *,
    cache: Cache | None = None,
    matching: Matching | None = None,
    visual: VisualGraphs | None = None,
    textual: TextualGraphs | None = None,
    index: Index | None = None,
    pack: PackInfo | None = None,
    limits: Limits | None = None,
    metrics: Metrics = UNREAD,
) -> Engine:
    """What a pack does for a gateway, by the same services, but for those given."""
    limits = limits or Limits()
    return Engine(
        pack or pack_info(apps),
        visual=visual or apps.visual,
        textual=textual or apps.textual,
        encoder=apps.encoder,
        hashing=apps.hashing,
        matching=matching or apps.matching,
        index=index or apps.index,
        cache=cache or MemoryCache(2**20),
        uploads=Uploads(folder, limits),
        limits=limits,
        admission=_admission(limits, SEARCHES, metrics),
        rank_admission=_admission(limits, RANKS, metrics),
        metrics=metrics,
    )


def folder_index(apps: Apps) -> IndexApp:
    """The index of these apps, which is in a folder."""
    assert isinstance(apps.index, IndexApp)
    return apps.index


def _admission(limits: Limits, queue: str, metrics: Metrics) -> Admission:
    return Admission(
        at_once=limits.searches,
        waiting=limits.waiting_searches,
        wait_s=limits.search_wait_s,
        queue=queue,
        metrics=metrics,
    )


def pack_info(apps: Apps, version: str = "") -> PackInfo:
    """The served pack, but of one level, and with weights of its own."""
    pack = apps.parts.pack
    size = int(next(output.shape[-1] for output in pack.manifest.models["text_head"].outputs))
    weights = FusionWeights(0.1, 0.6, 0.3)
    levels = (PackLevel("scene", 1.0, Level(0, size, ((0, 256),))),)
    return PackInfo(pack.name, version or pack.id, size, weights, levels)


def ask(
    source: str | Source,
    *more: tuple[Source, float],
    collection: str = "photos",
    weight: float = 1.0,
    **fields: object,
) -> SearchRequest:
    """A search; a plain string is a sentence."""
    first = QueryPart(TextSource(source) if isinstance(source, str) else source, weight)
    parts = (first, *(QueryPart(other, number) for other, number in more))
    return SearchRequest(collection, parts, **fields)  # type: ignore[arg-type]


def graph(expression: str) -> ExpressionSource:
    return ExpressionSource(expression)


def image(file: str) -> ImageSource:
    return ImageSource(photo(file))


def stored(item_id: str) -> StoredSource:
    return StoredSource(item_id)


def text_item(name: str, *texts: str) -> Item:
    return Item(name, None, texts)


UNCACHED = RankingOptions(bypass_cache=True)


def ids(page: SearchPage) -> list[str]:
    return [hit.item_id for hit in page.hits]


def taken(outcomes: Sequence[Outcome]) -> int:
    """How many items were stored."""
    return sum(outcome.error is None for outcome in outcomes)


class FaultyMatching:
    """A matching service that is slow, or raises. A call sets `called`; `cancelled` counts those given up."""

    def __init__(self, inner: Matching) -> None:
        self.inner = inner
        self.delay_s = 0.0
        self.error: ScenographError | None = None
        self.calls = 0
        self.called = asyncio.Event()
        self.cancelled = 0

    async def match(
        self,
        query: GraphQuery,
        candidates: Sequence[SceneGraph],
        *,
        explain: bool = False,
        weights: MatchWeights | None = None,
    ) -> MatchBatch:
        self.calls += 1
        self.called.set()
        if self.error is not None:
            raise self.error
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await self.inner.match(query, candidates, explain=explain, weights=weights)


class FaultyTextual:
    """A textual service that is slow, or raises."""

    def __init__(self, inner: TextualGraphs) -> None:
        self.inner = inner
        self.delay_s = 0.0
        self.error: Exception | None = None
        self.bug_on = ""

    async def parse(
        self, texts: Sequence[str], *, parser: Parser = Parser.UNSPECIFIED, include_units: bool = False
    ) -> TextBatch:
        if self.error is not None:
            raise self.error
        await asyncio.sleep(self.delay_s)
        if self.bug_on in texts:
            raise ZeroDivisionError("a bug")
        return await self.inner.parse(texts, parser=parser, include_units=include_units)
