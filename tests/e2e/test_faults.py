"""Servers that are killed, and a Redis that goes away."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, Item, errors
from scenograph.packs import Pack
from tests.e2e.conftest import PHOTOS, fill
from tests.e2e.photos import ITEMS
from tests.redis_process import RedisProcess


def _many() -> list[Item]:
    """The sample photographs among 300 sentences."""
    words = ("dog", "cat", "horse", "boat", "sofa", "ball")
    texts = [f"a {one} and a {other} number {n}" for n in range(9) for one in words for other in words]
    items = [Item(id=f"t{n}", texts=[text], request_id=f"t{n}") for n, text in enumerate(texts)]
    return [*items[:40], *ITEMS, *items[40:]]


def test_kill_during_ingest_loses_nothing_that_was_acknowledged(default_pack: Pack, tmp_path: Path) -> None:
    server, items = ServerProcess(tmp_path), _many()
    server.start()
    acknowledged: list[str] = []
    with Client(server.address) as client:
        client.create_collection("photos")
        with pytest.raises(errors.ScenographError):
            for status in client.ingest("photos", items):
                assert status.ok
                acknowledged.append(status.item_id)
                if len(acknowledged) == 60:
                    threading.Thread(target=server.kill).start()
    assert 60 <= len(acknowledged) < len(items)
    server.stop()

    server.start()
    try:
        with Client(server.address) as client:
            kept = [item.id for page in client.list_items("photos", page_size=100) for item in page]
            assert set(acknowledged) <= set(kept) and len(kept) == len(set(kept))
            for name in (acknowledged[0], acknowledged[-1]):
                assert client.get("photos", name).id == name

            again = list(client.ingest("photos", items))
            assert all(status.ok for status in again)
            assert {status.item_id for status in again if status.replayed} == set(kept)
            stored = [item.id for page in client.list_items("photos", page_size=100) for item in page]
            assert sorted(stored) == sorted(item.id for item in items)
            assert client.search("photos", text="a motorcycle", limit=1).hits[0].id == "motorcycle_left"
    finally:
        server.stop()


def test_a_redis_that_dies_costs_no_request(
    default_pack: Pack, tmp_path: Path, redis_process: RedisProcess
) -> None:
    server = ServerProcess(tmp_path, settings={"SCENOGRAPH_GATEWAY_REDIS_URL": redis_process.url})
    with server as address:
        fill(address, ITEMS[:6])
        with Client(address) as client:
            assert client.server_info().cache == "redis"
            first = client.search(PHOTOS, text="a red motorcycle")
            second = client.search(PHOTOS, text="a red motorcycle")
            assert (first.report.cache, second.report.cache) == ("miss", "hit")
            assert second.hits == first.hits

            redis_process.kill()
            pages = [client.search(PHOTOS, text=text) for text in ("a red motorcycle", "a cat", "a cup")]
            # The gateway keeps the rankings that it made itself.
            assert [page.report.cache for page in pages] == ["hit", "bypass", "bypass"]
            assert [hit.id for hit in pages[0]] == [hit.id for hit in first]
            assert not any(page.report.degraded for page in pages)
            assert client.health() == "SERVING"

            redis_process.start()
            statuses = set()
            for _ in range(100):
                statuses.add(client.search(PHOTOS, text="a cat").report.cache)
                if "hit" in statuses:
                    break
                threading.Event().wait(0.1)
            assert "hit" in statuses
