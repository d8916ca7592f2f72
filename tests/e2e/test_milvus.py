"""All services over an index on Milvus give the answers that they give over one in a folder."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client
from scenograph.client.errors import CollectionNotFound, Unavailable
from tests.e2e.conftest import PHOTOS, Deployment, fill
from tests.e2e.photos import ITEMS
from tests.e2e.test_deployments import QUERIES, _same
from tests.milvus_server import MilvusProcess

INDEX, GATEWAY = "scenograph.v1.IndexService", "scenograph.v1.GatewayService"


@pytest.fixture(scope="module")
def over_milvus(milvus: MilvusProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`scenograph serve --index milvus://...`, with the sample photographs stored; its address."""
    process = ServerProcess(
        tmp_path_factory.mktemp("over-milvus"), settings={"SCENOGRAPH_INDEX_MILVUS_TIMEOUT_S": "5"}
    )
    process.command += ["--index", milvus.url]
    with process as address:
        fill(address)
        yield address


@pytest.mark.parametrize("name", QUERIES)
def test_the_same_search(name: str, together: Deployment, over_milvus: str) -> None:
    with Client(together.gateway) as one, Client(over_milvus) as other:
        first = one.search(PHOTOS, explain=True, limit=20, **QUERIES[name])  # type: ignore[arg-type]
        second = other.search(PHOTOS, explain=True, limit=20, **QUERIES[name])  # type: ignore[arg-type]
        assert first.hits
        _same(first, second)
        assert second.report.considered == first.report.considered
        again = other.search(PHOTOS, explain=True, limit=20, **QUERIES[name])  # type: ignore[arg-type]
        assert str(again.report.cache).lower().endswith("hit")


def test_the_same_items_and_pages(together: Deployment, over_milvus: str) -> None:
    with Client(together.gateway) as one, Client(over_milvus) as other:
        for item in ITEMS[:3]:
            mine, theirs = one.get(PHOTOS, item.id), other.get(PHOTOS, item.id)
            assert str(mine.image_graph) == str(theirs.image_graph)
            assert (mine.texts, mine.metadata) == (theirs.texts, theirs.metadata)
        listed = [
            [item.id for page in client.list_items(PHOTOS, page_size=3) for item in page.items]
            for client in (one, other)
        ]
        assert sorted(listed[0]) == sorted(listed[1]) == sorted(item.id for item in ITEMS)


def test_a_change_is_seen_at_once_and_by_caches(over_milvus: str) -> None:
    with Client(over_milvus) as client:
        client.create_collection("changing")
        assert all(status.ok for status in client.ingest("changing", ITEMS[:3]))
        found = client.search("changing", text="a photo")
        assert {hit.id for hit in found} == {item.id for item in ITEMS[:3]}
        assert client.delete("changing", [ITEMS[0].id]).deleted == 1
        assert {hit.id for hit in client.search("changing", text="a photo")} == {
            item.id for item in ITEMS[1:3]
        }
        client.delete_collection("changing")
        with pytest.raises(CollectionNotFound):
            client.search("changing", text="a photo")


def test_health_tells_of_a_milvus_that_died(milvus: MilvusProcess, over_milvus: str) -> None:
    with Client(over_milvus) as client:
        assert [client.health(name) for name in ("", INDEX, GATEWAY)] == ["SERVING"] * 3
        milvus.kill()
        wait_for(client, "NOT_SERVING")
        with pytest.raises(Unavailable):
            client.search(PHOTOS, text="a photo of something new")
        assert client.health("scenograph.v1.TextualGraphService") == "SERVING"
        milvus.start()
        wait_for(client, "SERVING")
        for _ in range(100):
            try:
                assert client.search(PHOTOS, text="a photo of something new").hits
                break
            except Unavailable:  # Milvus is loading the collection
                time.sleep(0.2)
        else:
            pytest.fail("the index was not taken up again")


def wait_for(client: Client, status: str) -> None:
    for _ in range(200):
        if [client.health(name) for name in ("", INDEX, GATEWAY)] == [status] * 3:
            return
        time.sleep(0.1)
    pytest.fail(f"health never said {status}")
