"""What a cold search takes through the gateway beside what its parts take when they are called bare.

The bare parts are the services themselves, in this process, one after the other: the parse with its units,
the encoder, the hash head, the index with FAISS and cosines, and graph matching. No gateway, no gRPC, no
caches of answers. The rest of a search is the gateway's: gRPC, conversions, fusion, the page, the report.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from statistics import median

from scenograph.bench.collection import COLLECTION, PAGE_SIZE
from scenograph.bench.sentences import sentences
from scenograph.client import AsyncClient
from scenograph.runtime.contracts import (
    Encoder,
    Hashing,
    Index,
    IndexQuery,
    Matching,
    Modality,
    TextualGraphs,
)
from scenograph.scene.errors import Internal, ScenographError
from scenograph.scene.graph import GraphQuery, SceneGraph

CANDIDATES = 100
PARTS = ("parse", "encode", "hash", "search", "match")


@dataclass(frozen=True, slots=True)
class Services:
    """The services, over an index that holds what the server's does."""

    textual: TextualGraphs
    encoder: Encoder
    hashing: Hashing
    index: Index
    matching: Matching


@dataclass(frozen=True, slots=True)
class Overhead:
    """Milliseconds, medians over searches with one caller.

    `call_ms`: as the client waits; `server_ms`: as the gateway says itself; `parts_ms`: the bare parts.
    """

    call_ms: float
    server_ms: float
    parts_ms: dict[str, float]
    models_ms: float
    searches: int

    @property
    def of_call(self) -> float:
        """What a client waits over the sum of the parts, as a share of it."""
        return self.call_ms / self.models_ms - 1

    @property
    def of_server(self) -> float:
        """The same of the gateway's own time, without gRPC."""
        return self.server_ms / self.models_ms - 1


async def measure(
    address: str, services: Services, *, searches: int, tell: Callable[[str], None] = lambda line: None
) -> Overhead:
    """A search through the gateway and one by the bare parts, in turns, none for a sentence seen before.

    Errors: those of the services.
    """
    calls, server, bare = [], [], []
    texts = iter(sentences(2 * searches + 20))
    async with AsyncClient(address) as client:
        for text in islice(texts, 10):  # words become known, as in a server that has run for a while
            await client.search(COLLECTION, text=text)
            await _parts(services, text)
        for number in range(searches):
            tell(f"search {number + 1}")
            began = time.perf_counter()
            found = await client.search(COLLECTION, text=next(texts), limit=PAGE_SIZE)
            calls.append((time.perf_counter() - began) * 1e3)
            server.append(found.report.timings["total"])
            bare.append(await _parts(services, next(texts)))
    parts = {name: median(one[name] for one in bare) for name in PARTS}
    return Overhead(median(calls), median(server), parts, median(sum(one.values()) for one in bare), searches)


async def _parts(services: Services, text: str) -> dict[str, float]:
    """Milliseconds of each part of one search."""
    took: dict[str, float] = {}
    began = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal began
        now = time.perf_counter()
        took[name], began = (now - began) * 1e3, now

    parsed = await services.textual.parse([text], include_units=True)
    lap("parse")
    encoded = await services.encoder.encode_texts([text])
    lap("encode")
    hashed = await services.hashing.hash(encoded.vectors, include_projections=True)
    lap("hash")
    assert hashed.projections is not None
    answer = await services.index.search(
        COLLECTION,
        IndexQuery(
            code=hashed.codes[0],
            bits=hashed.bits,
            pack_version=hashed.pack_version,
            embedding=encoded.vectors[0],
            modality=Modality.IMAGE,
            with_graphs=CANDIDATES,
            bit_weights=abs(hashed.projections[0]),
        ),
    )
    lap("search")
    graph = parsed.results[0]
    if isinstance(graph, ScenographError):
        raise graph
    if not answer.hits:
        raise Internal("the collection is empty")
    seen = [hit.graph or SceneGraph() for hit in answer.hits[:CANDIDATES]]
    await services.matching.match(GraphQuery(optional=graph), seen)
    lap("match")
    return took
