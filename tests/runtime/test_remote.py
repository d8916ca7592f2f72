"""Adapters: a service in another process answers and fails as the app in this one does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from tests.support import sample_photo

from scenograph.cli.compose.apps import Apps
from scenograph.cli.serve import serving
from scenograph.gateway.remote import Remote
from scenograph.gateway.remote_encoder import RemoteEncoder
from scenograph.gateway.remote_hashing import RemoteHashing
from scenograph.gateway.remote_index import RemoteIndex
from scenograph.gateway.remote_visual import RemoteVisualGraphs
from scenograph.packs import Pack
from scenograph.runtime.contracts import (
    Entry,
    IndexQuery,
    Modality,
    Record,
    SearchIndex,
    VisualGraph,
    Write,
)
from scenograph.runtime.settings import load_settings
from scenograph.scene.errors import InvalidImage, InvalidInput, InvalidText, RequestIdReused, ScenographError
from scenograph.scene.graph import Edge, Node, SceneGraph

R = TypeVar("R", bound=Remote)


@asynccontextmanager
async def both(service: str, adapter: Callable[[str], R], folder: Path) -> AsyncIterator[tuple[R, Apps]]:
    """The adapter and the apps that its server serves."""
    async with serving(load_settings(port=0, data_dir=folder), service) as (server, apps):
        remote = adapter(server.address)
        try:
            yield remote, apps
        finally:
            await remote.close()


def rounded(graph: SceneGraph) -> list[object]:
    """A graph's content to the precision of float32."""
    nodes = [(n.label, n.lemma, round(n.score, 5), [a.name for a in n.attributes]) for n in graph.nodes]
    edges = [(e.subject, e.predicate, e.object, round(e.score, 5)) for e in graph.edges]
    return [nodes, edges, [(tag.label, round(tag.score, 5)) for tag in graph.tags]]


async def test_visual(default_pack: Pack, tmp_path: Path) -> None:
    images = [sample_photo("chelsea.png").read_bytes(), b"not an image"]
    async with both("visual", RemoteVisualGraphs, tmp_path) as (remote, apps):
        far = await remote.build(images, include_features=True)
        near = await apps.visual.build(images, include_features=True)
        with pytest.raises(InvalidInput):
            await remote.build([])
    seen, expected = far.results[0], near.results[0]
    assert isinstance(seen, VisualGraph) and isinstance(expected, VisualGraph)
    assert rounded(seen.graph) == rounded(expected.graph)
    assert (seen.width, seen.height) == (expected.width, expected.height)
    assert seen.features is not None and expected.features is not None
    assert np.array_equal(seen.features.pooled, expected.features.pooled)
    same_error(far.results[1], near.results[1])
    assert isinstance(far.results[1], InvalidImage)
    assert far.pack_version == near.pack_version and far.timings.keys() == near.timings.keys()


async def test_encoder(default_pack: Pack, tmp_path: Path) -> None:
    image = sample_photo("coffee.png").read_bytes()
    graph = SceneGraph((Node("dog"), Node("sofa")), (Edge(0, "on", 1),))
    async with both("encoder", RemoteEncoder, tmp_path) as (remote, apps):
        for far, near in (
            (await remote.encode_images([image]), await apps.encoder.encode_images([image])),
            (await remote.encode_texts(["a dog"]), await apps.encoder.encode_texts(["a dog"])),
            (await remote.encode_graphs([graph]), await apps.encoder.encode_graphs([graph])),
        ):
            assert np.allclose(far.vectors, near.vectors, atol=1e-6) and far.vectors.dtype == np.float32
        with pytest.raises(InvalidText) as caught:
            await remote.encode_texts(["a dog", " "])
        with pytest.raises(InvalidText) as expected:
            await apps.encoder.encode_texts(["a dog", " "])
    same_error(caught.value, expected.value)


async def test_hashing(default_pack: Pack, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 960)).astype(np.float32)
    async with both("hashing", RemoteHashing, tmp_path) as (remote, apps):
        for bits in (64, 128, 256):
            far, near = await remote.hash(vectors, bits=bits), await apps.hashing.hash(vectors, bits=bits)
            assert np.array_equal(far.codes, near.codes) and far.bits == bits
            assert far.projections is None
        told = await remote.hash(vectors, bits=64, include_projections=True)
        expected = await apps.hashing.hash(vectors, bits=64, include_projections=True)
        assert told.projections is not None and expected.projections is not None
        assert np.array_equal(told.projections, expected.projections)


async def test_index(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pack = "default@1.0.0"

    def record(item: str) -> Record:
        vector = rng.normal(size=8).astype(np.float32)
        code = np.packbits(rng.random(64) > 0.5)
        entry = Entry(Modality.TEXT, 0, f"text of {item}", SceneGraph((Node("dog"),)), vector, code)
        return Record(item, (entry,), pack, {"year": 2024.0, "tags": ["a", None, True]})

    async with both("index", RemoteIndex, tmp_path) as (remote, apps):
        await remote.create_collection("photos", pack, 64)
        writes = [Write(record("a"), "r1", b"1"), Write(record("b")), Write(record(""))]
        written = await remote.upsert("photos", writes)
        assert written.errors[:2] == [None, None] and isinstance(written.errors[2], ScenographError)
        again = await remote.upsert("photos", [writes[0], Write(record("a"), "r1", b"other")][:1])
        assert again.replayed == [True]
        reused = await remote.upsert("photos", [Write(record("a"), "r1", b"other")])
        assert isinstance(reused.errors[0], RequestIdReused)

        assert await remote.get_collection("photos") == await apps.index.get_collection("photos")
        (far,), missing = await remote.get("photos", ["a", "nothing"])
        (near,), _ = await apps.index.get("photos", ["a"])
        assert missing == ["nothing"] and far.metadata == near.metadata
        assert (far.create_time, far.update_time) == (near.create_time, near.update_time)
        assert far.entries[0].graph == near.entries[0].graph
        assert far.entries[0].embedding is not None and near.entries[0].embedding is not None
        assert np.array_equal(far.entries[0].embedding, near.entries[0].embedding)

        first, token = await remote.list_items("photos", page_size=1, filter="year = 2024", brief=True)
        second, end = await remote.list_items(
            "photos", page_size=1, page_token=token, filter="year = 2024", brief=True
        )
        assert [r.id for r in first + second] == ["a", "b"] and end == ""

        code = far.entries[0].code
        assert code is not None
        query = IndexQuery(code, 64, pack, embedding=far.entries[0].embedding, with_graphs=1)
        answer, expected = await remote.search("photos", query), await apps.index.search("photos", query)
        assert [(h.item_id, h.hamming) for h in answer.hits] == [
            (h.item_id, h.hamming) for h in expected.hits
        ]
        assert answer.hits[0].item_id == "a" and answer.hits[0].graph == expected.hits[0].graph
        assert answer.hits[1].graph is None and answer.considered == 2
        weights = np.linspace(0, 1, 64, dtype=np.float32)
        query = IndexQuery(code, 64, pack, bit_weights=weights)
        answer, expected = await remote.search("photos", query), await apps.index.search("photos", query)
        assert [hit.distance for hit in answer.hits] == [hit.distance for hit in expected.hits]
        assert answer.hits[1].distance != answer.hits[1].hamming / 64
        assert answer.searched == expected.searched == SearchIndex()

        snapshot = await remote.create_snapshot("photos", "s1")
        assert (await remote.list_snapshots("photos"))[0] == [snapshot]
        assert (await remote.delete("photos", ["a", "x"])).missing == ["x"]
        restored = await remote.restore_snapshot("s1", "copy")
        assert (restored.name, restored.items) == ("copy", 2)
        await remote.delete_collection("photos")
        assert [c.name for c in (await remote.list_collections())[0]] == ["copy"]


def same_error(one: object, other: object) -> None:
    assert isinstance(one, ScenographError) and isinstance(other, ScenographError)
    assert (type(one), one.message) == (type(other), other.message)
    assert getattr(one, "violations", ()) == getattr(other, "violations", ())
