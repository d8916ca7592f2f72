"""From a query to what the stages need: one embedding, one code, and the graphs of its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec
import numpy as np

from scenograph.gateway.deadlines import StageTimes, parse_budget, time_box
from scenograph.gateway.digests import source_digest
from scenograph.gateway.fields import at_field
from scenograph.gateway.graphstage import WeightedGraph, join
from scenograph.gateway.limits import MAX_QUERY_NODES
from scenograph.gateway.packs import PackInfo
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
    CodeArray,
    Encoder,
    FloatArray,
    Hashing,
    Index,
    Modality,
    TextualGraphs,
    VisualGraphs,
)
from scenograph.scene.errors import (
    DeadlineExceeded,
    InvalidInput,
    ItemNotFound,
    ResourceExhausted,
    ScenographError,
    Unavailable,
)
from scenograph.scene.graph import GraphQuery, SceneGraph
from scenograph.scene.query import parse_graph_query
from scenograph.scene.structure import subgraph

T = TypeVar("T")

SKIPPABLE = (Unavailable, DeadlineExceeded, ResourceExhausted)
"""Errors of a service without which a search still has an answer, a lesser one."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A query ready for the stages: embedding (D,) float32 of length 1, code (bits / 8,) uint8, the parts'
    graphs.

    `degraded` says why a part has no graph, and is empty where all have theirs.
    """

    embedding: FloatArray
    code: CodeArray
    graphs: tuple[WeightedGraph, ...]
    degraded: str = ""

    @property
    def hard(self) -> bool:
        """Whether some part must be there, or must not."""
        return any(graph.hard for graph in self.graphs)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What one query part came to.

    `away`: the embedding points away from what is forbidden, for want of anything else.
    """

    embedding: FloatArray
    graph: GraphQuery
    away: bool = False
    degraded: str = ""


class _Kept(msgspec.Struct, array_like=True):
    """A prepared query in the cache."""

    embedding: bytes
    code: bytes
    graphs: tuple[WeightedGraph, ...]


_kept = msgspec.msgpack.Decoder(_Kept)


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
    ) -> None:
        self._visual = visual
        self._textual = textual
        self._encoder = encoder
        self._hashing = hashing
        self._index = index
        self._cache = cache
        self._pack = pack
        self._ttl_s = ttl_s

    async def prepare(
        self,
        parts: Sequence[QueryPart],
        bits: int,
        times: StageTimes,
        *,
        collection: str = "",
        bypass_cache: bool = False,
    ) -> Prepared:
        """The query of checked parts whose uploads are resolved. Errors name the part at fault."""
        cached = not bypass_cache and not any(isinstance(part.source, StoredSource) for part in parts)
        key = self._key(parts, bits)
        if cached and (found := await self._cache.get(key)) is not None:
            return _from_bytes(found)
        made = await together(
            [self._part(part, f"query.parts[{i}]", collection, times) for i, part in enumerate(parts)]
        )
        embedding = mix(
            [(part.weight, one.embedding, one.away) for part, one in zip(parts, made, strict=True)]
        )
        with times.measure("hash"):
            codes = await self._hashing.hash(embedding[np.newaxis], bits=bits)
        self._pack.check_service(codes.pack_version, "hashing")
        reasons = dict.fromkeys(one.degraded for one in made if one.degraded)
        graphs = weigh([(part.weight, one.graph) for part, one in zip(parts, made, strict=True)])
        prepared = Prepared(embedding, codes.codes[0], graphs, "; ".join(reasons))
        if cached and not prepared.degraded:
            await self._cache.set(key, _to_bytes(prepared), self._ttl_s)
        return prepared

    def _key(self, parts: Sequence[QueryPart], bits: int) -> str:
        told = [(source_digest(part.source), part.weight) for part in parts if part.source is not None]
        flat = [value for pair in told for value in pair]
        return cache_key("query", self._pack.version, bits, *flat)

    async def _part(self, part: QueryPart, field: str, collection: str, times: StageTimes) -> _Part:
        match part.source:
            case TextSource(text):
                return await self._text(text, f"{field}.text", times)
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

    async def _text(self, text: str, field: str, times: StageTimes) -> _Part:
        vector, graph = await both(_caught(self._encode_text(text, times)), _caught(self._parse(text, times)))
        if isinstance(vector, ScenographError):
            raise at_field(vector, field)
        if isinstance(graph, SKIPPABLE):
            return _Part(vector, GraphQuery(), degraded=f"the text was not parsed: {graph.message}")
        if isinstance(graph, ScenographError):
            raise at_field(graph, field)
        return _Part(vector, _soft(graph))

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
                batch = await self._textual.parse([text])
        times.inside("textual", batch.timings)
        self._pack.check_service(batch.pack_version, "textual")
        return _sound(batch.results[0])

    async def _image(self, content: bytes, field: str, times: StageTimes) -> _Part:
        try:
            with times.measure("visual"):
                seen = await self._visual.build([content], include_features=True)
            times.inside("visual", seen.timings)
            self._pack.check_service(seen.pack_version, "visual")
            image = _sound(seen.results[0])
        except ScenographError as error:
            raise at_field(error, field) from error
        with times.measure("encode"):
            source = image.features if image.features is not None else content
            batch = await self._encoder.encode_images([source])
        self._pack.check_service(batch.pack_version, "encoder")
        return _Part(batch.vectors[0], _soft(image.graph))

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
        return _Part(entry.embedding, _soft(entry.graph or SceneGraph()))


def mix(parts: Sequence[tuple[float, FloatArray, bool]]) -> FloatArray:
    """The weighted sum of embeddings (D,), brought to length 1.

    Those that only point away count where there is nothing else.
    """
    pointing = [(weight, vector) for weight, vector, away in parts if not away]
    chosen = pointing or [(weight, vector) for weight, vector, _ in parts]
    if len(chosen) == 1:
        return chosen[0][1]
    total = sum(
        (weight * vector.astype(np.float64) for weight, vector in chosen), np.zeros(len(chosen[0][1]))
    )
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise InvalidInput("the parts of the query cancel one another", field="query.parts")
    return (total / length).astype(np.float32)


def weigh(parts: Sequence[tuple[float, GraphQuery]]) -> tuple[WeightedGraph, ...]:
    """The parts' graphs with their weights: empty ones left out, those that only forbid at 0 by others."""
    graphs = []
    for weight, query in parts:
        wants = bool(query.required.nodes or query.optional.nodes)
        if wants or query.forbidden.nodes:
            graphs.append(WeightedGraph(query, weight if wants else 0.0))
    return tuple(graphs)


def _soft(graph: SceneGraph) -> GraphQuery:
    """A sentence's or an image's graph as a query that ranks; of a very large one its most certain nodes."""
    if len(graph.nodes) > MAX_QUERY_NODES:
        best = sorted(range(len(graph.nodes)), key=lambda place: -graph.nodes[place].score)
        graph = replace(subgraph(graph, sorted(best[:MAX_QUERY_NODES])), tags=graph.tags)
    return GraphQuery(optional=graph)


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


def _to_bytes(prepared: Prepared) -> bytes:
    return msgspec.msgpack.encode(
        _Kept(prepared.embedding.tobytes(), prepared.code.tobytes(), prepared.graphs)
    )


def _from_bytes(raw: bytes) -> Prepared:
    kept = _kept.decode(raw)
    embedding = np.frombuffer(kept.embedding, dtype=np.float32)
    return Prepared(embedding, np.frombuffer(kept.code, dtype=np.uint8), kept.graphs)
