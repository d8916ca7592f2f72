"""Both clients against a real server: the same answers, pages, streams, large files."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from PIL import Image

from scenograph.client import (
    AsyncClient,
    Candidate,
    Client,
    Edge,
    GraphQuery,
    Item,
    Node,
    Part,
    SceneGraph,
    errors,
)
from scenograph.client.requests import INLINE_BYTES
from tests.e2e.conftest import PHOTOS, Deployment
from tests.e2e.photos import CAT, COFFEE, ITEMS, MOTORCYCLE


@pytest.fixture
async def aclient(together: Deployment) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(together.gateway) as client:
        yield client


@pytest.fixture
def collection(client: Client) -> Iterator[str]:
    client.create_collection("client")
    yield "client"
    client.delete_collection("client")


async def test_both_clients_answer_alike(client: Client, aclient: AsyncClient) -> None:
    await aclient.wait_until_ready(5)
    assert await aclient.server_info() == client.server_info()
    assert await aclient.health() == client.health() == "SERVING"
    assert await aclient.list_collections() == client.list_collections()
    assert await aclient.get(PHOTOS, "coffee") == client.get(PHOTOS, "coffee")
    assert await aclient.parse(["a dog", "two cats"]) == client.parse(["a dog", "two cats"])
    assert (await aclient.describe(CAT)).graph == client.describe(CAT).graph
    assert await aclient.encode_texts(["a dog"]) == client.encode_texts(["a dog"])
    assert await aclient.encode_images([CAT]) == client.encode_images([CAT])
    parts = [Part(text="a cup", weight=2), Part(image=COFFEE)]
    page = client.search(PHOTOS, parts=parts, explain=True, limit=4)
    assert (await aclient.search(PHOTOS, parts=parts, explain=True, limit=4)).hits == page.hits
    ranked = client.rank(image=CAT, texts=["a cat", "a cup"], candidates=[Candidate(image=COFFEE, id="x")])
    again = await aclient.rank(
        image=CAT, texts=["a cat", "a cup"], candidates=[Candidate(image=COFFEE, id="x")]
    )
    assert again.hits == ranked.hits and ranked.hits[0].text == "a cat"
    pages = [page async for page in aclient.list_items(PHOTOS, page_size=5)]
    assert pages == list(client.list_items(PHOTOS, page_size=5))
    assert [len(page) for page in pages] == [5, 5, 3]


async def test_both_clients_write_alike(client: Client, aclient: AsyncClient, collection: str) -> None:
    stream = [
        status async for status in aclient.ingest(collection, [Item("a", CAT, ["a cat"], {"n": 1}, "r")])
    ]
    (again,) = client.ingest(collection, [Item("a", CAT, ["a cat"], {"n": 1}, "r")])
    assert stream[0].ok and not stream[0].replayed and again.replayed
    batch = [Item("b", texts=["a dog"]), Item("c", image=b"broken")]
    for statuses in (client.batch_ingest(collection, batch), await aclient.batch_ingest(collection, batch)):
        assert [status.ok for status in statuses] == [True, False]
        assert isinstance(statuses[1].error, errors.InvalidImage)
    stored = client.get(collection, "a")
    assert stored.metadata == {"n": 1} and stored.texts == ("a cat",) and stored.has_image
    removed = client.delete(collection, ["b", "z"])
    assert (removed.deleted, removed.missing) == (1, ("z",))
    assert (await aclient.delete(collection, ["b"])).missing == ("b",)
    with pytest.raises(errors.ItemNotFound):
        await aclient.get(collection, "b")
    await aclient.create_collection("client-other", bits=64)
    with pytest.raises(errors.CollectionExists):
        await aclient.create_collection("client-other")
    await aclient.delete_collection("client-other")
    with pytest.raises(errors.CollectionNotFound):
        client.delete_collection("client-other")


async def test_streamed_searches(client: Client, aclient: AsyncClient) -> None:
    stages = list(client.search_stream(PHOTOS, text="a rocket at night", limit=3))
    also = [stage async for stage in aclient.search_stream(PHOTOS, text="a rocket at night", limit=3)]
    assert stages[-1].final and stages[-1].page.hits == also[-1].page.hits
    assert stages[-1].page.hits == client.search(PHOTOS, text="a rocket at night", limit=3).hits


def test_pages_neither_repeat_nor_drop(client: Client) -> None:
    found: list[str] = []
    token = ""
    while True:
        page = client.search(PHOTOS, text="a man outdoors", limit=4, page_token=token)
        found += [hit.id for hit in page]
        token = page.next_page_token
        if not token:
            break
    assert sorted(found) == sorted(item.id for item in ITEMS)
    assert found == [hit.id for hit in client.search(PHOTOS, text="a man outdoors", limit=20)]


def test_a_graph_as_objects_equals_one_in_words(client: Client) -> None:
    graph = GraphQuery(
        required=SceneGraph((Node("motorcycle"),)), forbidden=SceneGraph((Node("cat"), Node("cup")))
    )
    words = client.search(PHOTOS, graph="(motorcycle), not (cat), not (cup)")
    assert client.search(PHOTOS, graph=graph).hits == words.hits
    assert words.hits[0].id == "motorcycle_left"
    riding = SceneGraph((Node("person"), Node("horse")), (Edge(0, "riding", 1),))
    assert client.search(PHOTOS, graph=riding).hits == ()


def test_an_explanation_points_at_the_thing(client: Client) -> None:
    best = client.search(PHOTOS, text="a motorcycle", explain=True).hits[0]
    (match,) = (match for match in best.matches if not match.is_relation)
    assert match.box is not None and match.similarity > 0.9
    assert match.box.x0 < 0.3 and match.box.x1 > 0.8
    assert str(match).startswith("motorcycle = motorcycle") and best.graph is not None
    assert best.graph.nodes[match.found_index].label == "motorcycle"


def test_a_file_larger_than_a_message(client: Client, collection: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2300, 2300, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG", compress_level=0)
    large = file.getvalue()
    assert len(large) > INLINE_BYTES
    first, second = client.ingest(collection, [Item("large", large), Item("small", MOTORCYCLE)])
    assert first.ok and second.ok
    assert client.get(collection, "large").image_width == 2300
    assert client.search(collection, image=large, limit=1).hits[0].id == "large"
