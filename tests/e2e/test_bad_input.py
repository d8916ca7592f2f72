"""Bad input gets a clear error and loses nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from PIL import Image

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, Item, errors
from scenograph.packs import Pack
from scenograph.v1 import index_pb2, index_pb2_grpc
from tests.e2e.conftest import PHOTOS
from tests.e2e.photos import CAT


@pytest.fixture
def collection(client: Client) -> Iterator[str]:
    """A collection with one sound item."""
    client.create_collection("bad")
    list(client.ingest("bad", [Item(id="sound", texts=["a dog on a sofa"])]))
    yield "bad"
    client.delete_collection("bad")


def _bomb() -> bytes:
    """A small PNG file of 30,000 x 30,000 white pixels."""
    file = io.BytesIO()
    Image.new("1", (30_000, 30_000), 1).save(file, "PNG")
    return file.getvalue()


BAD_ITEMS: dict[str, tuple[Item, type[errors.ScenographError], str]] = {
    "not an image": (Item("x", image=b"GIF89a, or so it says"), errors.InvalidImage, "image"),
    "a truncated image": (Item("x", image=CAT[: len(CAT) // 2]), errors.InvalidImage, "image"),
    "a decompression bomb": (Item("x", image=_bomb()), errors.ImageTooLarge, "pixels"),
    "an empty image": (Item("x", image=b""), errors.InvalidInput, "image"),
    "an empty text": (Item("x", texts=["a dog", " "]), errors.InvalidText, "empty"),
    "an enormous text": (Item("x", texts=["dog " * 5000]), errors.InvalidText, "2,?000"),
    "nothing": (Item("x"), errors.InvalidInput, "image"),
    "no id": (Item("", texts=["a dog"]), errors.InvalidInput, "id"),
    "a long id": (Item("x" * 257, texts=["a dog"]), errors.InvalidInput, "256"),
    "large metadata": (
        Item("x", texts=["a"], metadata={"k": "v" * 70_000}),
        errors.InvalidInput,
        "at most 65536",
    ),
}


@pytest.mark.parametrize("name", BAD_ITEMS)
def test_a_bad_item_fails_alone(name: str, client: Client, collection: str) -> None:
    item, kind, message = BAD_ITEMS[name]
    after = Item(id="after", texts=["a cat"])
    bad, good = client.ingest(collection, [item, after])
    with pytest.raises(kind, match=message) as caught:
        assert bad.error is not None
        raise bad.error
    assert caught.value.reason == kind.reason and caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert good.ok
    assert {stored.id for page in client.list_items(collection) for stored in page} == {"sound", "after"}


def test_duplicate_ids_in_one_batch(client: Client, collection: str) -> None:
    twice = [Item(id="twin", texts=["one"]), Item(id="twin", texts=["two"])]
    with pytest.raises(errors.DuplicateItem, match="twin"):
        client.batch_ingest(collection, twice)
    with pytest.raises(errors.ItemNotFound, match="twin"):
        client.get(collection, "twin")


def test_a_request_id_with_other_content(client: Client, collection: str) -> None:
    (first,) = client.ingest(collection, [Item(id="a", texts=["one"], request_id="r")])
    (second,) = client.ingest(collection, [Item(id="a", texts=["two"], request_id="r")])
    assert first.ok and isinstance(second.error, errors.RequestIdReused)
    assert client.get(collection, "a").texts == ("one",)


BAD_SEARCHES: dict[str, tuple[Callable[[Client], object], type[errors.ScenographError], str]] = {
    "an unknown collection": (
        lambda c: c.search("nowhere", text="a"),
        errors.CollectionNotFound,
        "nowhere",
    ),
    "an empty text": (lambda c: c.search(PHOTOS, text=""), errors.InvalidText, "empty"),
    "an enormous text": (lambda c: c.search(PHOTOS, text="dog " * 5000), errors.InvalidText, "2,?000"),
    "not an image": (lambda c: c.search(PHOTOS, image=b"no"), errors.InvalidImage, "image"),
    "an unknown item": (lambda c: c.search(PHOTOS, item_id="nobody"), errors.ItemNotFound, "nobody"),
    "a bad page token": (
        lambda c: c.search(PHOTOS, text="a dog", page_token="nonsense"),
        errors.InvalidPageToken,
        "token",
    ),
    "a bad list token": (
        lambda c: next(c.list_items(PHOTOS, page_token="nonsense")),
        errors.InvalidPageToken,
        "token",
    ),
    "too many hits": (lambda c: c.search(PHOTOS, text="a", limit=5000), errors.InvalidInput, "1,?000"),
    "an empty sentence to parse": (lambda c: c.parse([""]), errors.InvalidText, "empty"),
    "a truncated image to describe": (lambda c: c.describe(CAT[:5000]), errors.InvalidImage, "image"),
    "no candidates": (lambda c: c.rank(text="a dog"), errors.InvalidInput, "candidates"),
}


@pytest.mark.parametrize("name", BAD_SEARCHES)
def test_a_bad_request(name: str, client: Client) -> None:
    call, kind, message = BAD_SEARCHES[name]
    with pytest.raises(kind, match=message) as caught:
        call(client)
    assert caught.value.reason == kind.reason and caught.value.code is not None


@pytest.mark.parametrize(
    ("query", "position"), [("(dog", 4), ("(dog)-[on->(sofa)", 10), ("(dog), nott (cat)", 7)]
)
def test_a_malformed_graph_query_tells_where(client: Client, query: str, position: int) -> None:
    with pytest.raises(errors.InvalidGraphQuery) as caught:
        client.search(PHOTOS, graph=query)
    assert caught.value.position == position


def test_a_malformed_filter_tells_where(client: Client) -> None:
    with pytest.raises(errors.InvalidFilter) as caught:
        client.search(PHOTOS, text="a dog", filter="year >= AND")
    assert caught.value.position == 8


def test_a_token_of_another_search(client: Client) -> None:
    token = client.search(PHOTOS, text="a dog", limit=2).next_page_token
    with pytest.raises(errors.InvalidPageToken):
        client.search(PHOTOS, text="a cat", limit=2, page_token=token)


def test_a_collection_of_another_pack(client: Client, channel: grpc.Channel) -> None:
    index = index_pb2_grpc.IndexServiceStub(channel)
    other = "default@9.9.9-00000000"
    index.CreateCollection(
        index_pb2.IndexServiceCreateCollectionRequest(name="other-pack", pack_version=other)
    )
    with pytest.raises(errors.PackMismatch, match=r"9\.9\.9"):
        client.search("other-pack", text="a dog")
    with pytest.raises(errors.PackMismatch, match=r"9\.9\.9"):
        list(client.ingest("other-pack", [Item(id="a", texts=["a dog"])]))
    client.delete_collection("other-pack")


def test_an_unknown_pack(default_pack: Pack, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, settings={"SCENOGRAPH_PACK": "default@9.9.9"})
    with pytest.raises(ValueError, match=r'no pack "default@9\.9\.9"'):
        server.start()


def test_an_index_folder_of_a_newer_version(default_pack: Pack, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "index")
    server.start()
    server.stop()
    file = tmp_path / "data" / "index" / "index.json"
    settings = json.loads(file.read_text())
    file.write_text(json.dumps({**settings, "format": 99}))
    with pytest.raises(ValueError, match="has format 99; this release reads up to 1"):
        server.start()
    file.write_text(json.dumps(settings))
    server.start()
    server.stop()
