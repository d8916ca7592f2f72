"""Records and queries for the index's tests, made from a seed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from scenograph.index.app import IndexApp
from scenograph.index.limits import Limits
from scenograph.runtime.contracts import (
    CodeArray,
    Entry,
    IndexQuery,
    JsonValue,
    Modality,
    Record,
    Write,
    WriteResult,
)
from scenograph.runtime.vault import Vault
from scenograph.scene.graph import Attribute, Box, Edge, Node, SceneGraph
from scenograph.scene.units import GraphUnits, UnitKind

PACK = "default@1"
BITS = 64
DIMENSION = 8


def graph(word: str) -> SceneGraph:
    """A small graph that says `word`, with units."""
    nodes = (Node(word, attributes=(Attribute("red", 0.5),), box=Box(0.125, 0.25, 0.5, 0.75)), Node("sofa"))
    random = np.random.default_rng(len(word) + sum(word.encode()))
    units = GraphUnits.quantised(
        random.standard_normal((4, 6)).astype(np.float32),
        random.random(4),
        [UnitKind.OBJECT, UnitKind.OBJECT, UnitKind.RELATION, UnitKind.CELL],
        [0, 1, 0, -1],
        random.random((4, 4)),
    )
    return SceneGraph(nodes, (Edge(0, "on", 1, 0.75),), units=units)


def code(seed: int, bits: int = BITS) -> CodeArray:
    """A random code."""
    return np.random.default_rng(seed).integers(0, 256, bits // 8, dtype=np.uint8)


def entry(seed: int, modality: Modality = Modality.IMAGE, ordinal: int = 0, text: str = "") -> Entry:
    """A random entry."""
    vector = np.random.default_rng(seed + 1_000_000).standard_normal(DIMENSION).astype(np.float32)
    size = (640, 480) if modality == Modality.IMAGE else (0, 0)
    return Entry(modality, ordinal, text, graph(f"thing{seed}"), vector, code(seed), *size)


def record(
    item: str, seed: int = 0, texts: int = 1, metadata: dict[str, JsonValue] | None = None, pack: str = PACK
) -> Record:
    """An item with an image and `texts` texts, all made from the seed."""
    entries = [entry(seed * 100)]
    for number in range(texts):
        text = f"text {number} of {seed}"
        entries.append(entry(seed * 100 + number + 1, Modality.TEXT, number, text))
    return Record(item, tuple(entries), pack, metadata or {})


def query(seed: int = 0, **options: object) -> IndexQuery:
    """A search for a random code; options as in IndexQuery."""
    return IndexQuery(code(seed), BITS, PACK, **options)  # type: ignore[arg-type]


async def put(app: IndexApp, *records: Record, collection: str = "photos") -> WriteResult:
    """Writes the records, and says that all went well."""
    result = await app.upsert(collection, [Write(one) for one in records])
    assert result.errors == [None] * len(records), result.errors
    return result


async def all_ids(
    app: IndexApp, collection: str = "photos", filter: str = "", page_size: int = 1000
) -> list[str]:
    """Ids of all items, page by page."""
    found: list[str] = []
    token = ""
    while True:
        page, token = await app.list_items(
            collection, page_size=page_size, page_token=token, filter=filter, brief=True
        )
        found += [one.id for one in page]
        if not token:
            return found


@asynccontextmanager
async def opened(
    folder: Path,
    limits: Limits | None = None,
    *,
    collections: Sequence[str] = (),
    vault: Vault | None = None,
) -> AsyncIterator[IndexApp]:
    """An index on the folder, closed afterwards; makes the collections first."""
    app = IndexApp(folder, limits, vault)
    await app.start()
    try:
        for name in collections:
            await app.create_collection(name, PACK, BITS)
        yield app
    finally:
        await app.close()


def same(left: Record, right: Record) -> bool:
    """Whether two records say the same, times apart."""

    def plain(one: Record) -> object:
        entries = [
            (e.modality, e.ordinal, e.text, e.graph, _list(e.embedding), _list(e.code), e.width, e.height)
            for e in one.entries
        ]
        return one.id, dict(one.metadata), one.pack_version, entries

    return plain(left) == plain(right)


def _list(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | CodeArray | None) -> list[float] | None:
    return None if array is None else array.tolist()
