"""From a query to what the stages need: one embedding, one code, and the graphs of its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from scenograph.gateway.deadlines import StageTimes, parse_budget, time_box
from scenograph.gateway.digests import source_digest
from scenograph.gateway.fields import at_field
from scenograph.gateway.lacks import Lack
from scenograph.gateway.mixing import mix, soft, weigh
from scenograph.gateway.packs import PackInfo
from scenograph.gateway.prepared import SKIPPABLE, Prepared, from_bytes, to_bytes
from scenograph.gateway.requests import (
    ExpressionSource,
    GraphSource,
    ImageSource,
    QueryPart,
    StoredSource,
    TextSource,
)
from scenograph.gateway.tasks import both, together
from scenograph.gateway.validation import check_graph
from scenograph.runtime.cache.contract import Cache
from scenograph.runtime.cache.keys import cache_key
from scenograph.runtime.contracts import (
    Encoder,
    FloatArray,
    Hashing,
    Index,
    Modality,
    TextualGraphs,
    VisualGraphs,
)
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.runtime.telemetry.spans import span
from scenograph.scene.errors import (
    InvalidInput,
    ItemNotFound,
    ScenographError,
)
from scenograph.scene.graph import GraphQuery, SceneGraph
from scenograph.scene.query import parse_graph_query
from scenograph.scene.structure import join

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What one query part came to.

    `away`: the embedding points away from what is forbidden, for want of anything else.
    """

    embedding: FloatArray
    graph: GraphQuery
    away: bool = False
    degraded: str = ""


class QueryPreparer:
    """Prepares queries, each once while the cache holds it. Parts are worked on side by side."""

    def __init__(
        self,
        visual: VisualGraphs,
        textual: TextualGraphs,
        encoder: Encoder,
        hashing: Hashing,
        index: Index,
        cache: Cache,
        pack: PackInfo,
        ttl_s: float,
        metrics: Metrics,
    ) -> None:
        self._visual = visual
        self._textual = textual
        self._encoder = encoder
        self._hashing = hashing
        self._index = index
        self._cache = cache
        self._pack = pack
        self._ttl_s = ttl_s
        self._metrics = metrics

    async def prepare(
        self,
        parts: Sequence[QueryPart],
        bits: int,
        times: StageTimes,
        *,
        collection: str = "",
        bypass_cache: bool = False,
        parse: bool = True,
    ) -> Prepared:
        """The query of checked parts whose uploads are resolved. Errors name the part at fault.

        Without `parse` sentences get no graph: for rankings that end before the graph stage.
        """
        cached = not bypass_cache and not any(isinstance(part.source, StoredSource) for part in parts)
        key = self._key(parts, bits, parse)
        if (found := await self._kept(key, cached)) is not None:
            return from_bytes(found)
        made = await together(
            [self._part(part, f"query.parts[{i}]", collection, times, parse) for i, part in enumerate(parts)]
        )
        embedding = mix(
            [(part.weight, one.embedding, one.away) for part, one in zip(parts, made, strict=True)]
        )
        with times.measure("hash"):
            codes = await self._hashing.hash(embedding[np.newaxis], bits=bits, include_projections=True)
        self._pack.check_service(codes.pack_version, "hashing")
        reasons = dict.fromkeys(one.degraded for one in made if one.degraded)
        graphs = weigh([(part.weight, one.graph) for part, one in zip(parts, made, strict=True)])
        assert codes.projections is not None
        sure = np.abs(codes.projections[0])
        prepared = Prepared(embedding, codes.codes[0], sure, graphs, "; ".join(reasons))
        if cached and not prepared.degraded:
            await self._cache.set(key, to_bytes(prepared), self._ttl_s)
        return prepared

    async def _kept(self, key: str, cached: bool) -> bytes | None:
        """What the cache has of a query; it is not asked unless `cached`."""
        if not cached or self._cache.bypassed:
            self._metrics.cache_lookups.labels("query", "bypass").inc()
            return None
        with span("cache query") as looking:
            found = await self._cache.get(key)
            looking.set_attribute("scenograph.cache.hit", found is not None)
        self._metrics.cache_lookups.labels("query", "miss" if found is None else "hit").inc()
        return found

    def _key(self, parts: Sequence[QueryPart], bits: int, parse: bool) -> str:
        told = [(source_digest(part.source), part.weight) for part in parts if part.source is not None]
        flat = [value for pair in told for value in pair]
        return cache_key("weighted query", self._pack.version, bits, parse, *flat)

    async def _part(
        self, part: QueryPart, field: str, collection: str, times: StageTimes, parse: bool
    ) -> _Part:
        match part.source:
            case TextSource(text):
                return await self._text(text, f"{field}.text", times, parse)
            case ImageSource(content):
                return await self._image(content, f"{field}.image", times)
            case GraphSource(graph):
                return await self._graph(graph, f"{field}.graph", times)
            case ExpressionSource(expression):
                field = f"{field}.graph_expression"
                graph = await asyncio.to_thread(parse_graph_query, expression, field=field)
                check_graph(graph, field=field)
                return await self._graph(graph, field, times)
            case StoredSource(item_id):
                return await self._stored(collection, item_id, f"{field}.item_id")
            case None:
                raise InvalidInput("a query part is a text, an image, a graph or an item", field=field)

    async def _text(self, text: str, field: str, times: StageTimes, parse: bool) -> _Part:
        if not parse:
            try:
                return _Part(await self._encode_text(text, times), GraphQuery())
            except ScenographError as error:
                raise at_field(error, field) from error
        vector, graph = await both(_caught(self._encode_text(text, times)), _caught(self._parse(text, times)))
        if isinstance(vector, ScenographError):
            raise at_field(vector, field)
        if isinstance(graph, SKIPPABLE):
            return _Part(vector, GraphQuery(), degraded=Lack.PARSE.because(graph))
        if isinstance(graph, ScenographError):
            raise at_field(graph, field)
        return _Part(vector, soft(graph))

    async def _encode_text(self, text: str, times: StageTimes) -> FloatArray:
        with times.measure("encode"):
            batch = await self._encoder.encode_texts([text])
        times.inside("encode", batch.timings)
        self._pack.check_service(batch.pack_version, "encoder")
        vector: FloatArray = batch.vectors[0]
        return vector

    async def _parse(self, text: str, times: StageTimes) -> SceneGraph:
        with times.measure("textual"):
            async with time_box(parse_budget(), "the parse of the text"):
                batch = await self._textual.parse([text], include_units=True)
        times.inside("textual", batch.timings)
        self._pack.check_service(batch.pack_version, "textual")
        return _sound(batch.results[0])

    async def _image(self, content: bytes, field: str, times: StageTimes) -> _Part:
        try:
            with times.measure("visual"):
                seen = await self._visual.build([content], include_features=True, include_units=True)
            times.inside("visual", seen.timings)
            self._pack.check_service(seen.pack_version, "visual")
            image = _sound(seen.results[0])
        except ScenographError as error:
            raise at_field(error, field) from error
        with times.measure("encode"):
            source = image.features if image.features is not None else content
            batch = await self._encoder.encode_images([source])
        self._pack.check_service(batch.pack_version, "encoder")
        return _Part(batch.vectors[0], soft(image.graph))

    async def _graph(self, graph: GraphQuery, field: str, times: StageTimes) -> _Part:
        wanted = join([graph.required, graph.optional])
        away = not wanted.nodes
        try:
            with times.measure("encode"):
                batch = await self._encoder.encode_graphs([graph.forbidden if away else wanted])
        except ScenographError as error:
            raise at_field(error, field) from error
        self._pack.check_service(batch.pack_version, "encoder")
        return _Part(-batch.vectors[0] if away else batch.vectors[0], graph, away=away)

    async def _stored(self, collection: str, item_id: str, field: str) -> _Part:
        records, _ = await self._index.get(collection, [item_id])
        entries = records[0].entries if records else ()
        images = [entry for entry in entries if entry.modality is Modality.IMAGE]
        entry = next(iter([*images, *entries]), None)
        if entry is None or entry.embedding is None:
            raise ItemNotFound(
                f"no item {item_id!r} in collection {collection!r}", metadata={"id": item_id, "field": field}
            )
        return _Part(entry.embedding, soft(entry.graph or SceneGraph()))


async def _caught(work: Coroutine[Any, Any, T]) -> T | ScenographError:
    """The result, or the error in its place, so that one of two tasks does not end the other."""
    try:
        return await work
    except ScenographError as error:
        return error


def _sound(result: T | ScenographError) -> T:
    if isinstance(result, ScenographError):
        raise result
    return result
