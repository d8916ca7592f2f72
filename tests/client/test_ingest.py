"""The ingest stream: a bounded window, large images apart, failures that stay the item's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from pathlib import Path

import pytest
from tests.client.faulty import Gateway, served

from scenograph.client import AsyncClient, Client, Item, errors
from scenograph.client.requests import INLINE_BYTES


def _items(drawn: list[int], count: int) -> Iterator[Item]:
    for number in range(count):
        drawn.append(number)
        yield Item(id=f"i{number}", texts=["a dog"], request_id=f"r{number}")


def test_statuses_come_in_order_and_the_window_bounds_what_is_drawn() -> None:
    gateway = Gateway()
    drawn: list[int] = []
    with served(gateway) as address, Client(address) as client:
        ahead = [
            len(drawn) - done
            for done, status in enumerate(client.ingest("photos", _items(drawn, 50), window=4))
            if status.ok
        ]
    assert len(ahead) == 50 and max(ahead) <= 6
    assert [request.request_id for request in gateway.ingested] == [f"r{n}" for n in range(50)]
    assert gateway.ingested[0].collection == "photos"


async def test_async_window() -> None:
    gateway = Gateway()
    drawn: list[int] = []
    with served(gateway) as address:
        async with AsyncClient(address) as client:
            done = 0
            async for status in client.ingest("photos", _items(drawn, 50), window=4):
                assert status.item_id == f"i{done}"
                done += 1
                assert len(drawn) - done <= 6
    assert done == 50


def test_closing_early_ends_the_stream() -> None:
    gateway = Gateway()
    drawn: list[int] = []
    with served(gateway) as address, Client(address) as client:
        with closing(client.ingest("photos", _items(drawn, 10_000), window=4)) as statuses:
            next(statuses)
        assert gateway.ended.wait(5)
    assert len(drawn) < 100


async def test_async_closing_early_ends_the_stream() -> None:
    gateway = Gateway()
    drawn: list[int] = []
    with served(gateway) as address:
        async with AsyncClient(address) as client:
            async with aclosing(client.ingest("photos", _items(drawn, 10_000), window=4)) as statuses:
                await anext(statuses)
            assert await asyncio.to_thread(gateway.ended.wait, 5)
    assert len(drawn) < 100


def _mixed(folder: Path) -> list[Item]:
    return [
        Item(id="missing", image=folder / "none.jpg"),
        Item(id="sound", texts=["a dog"]),
        Item(id="bad metadata", texts=["a dog"], metadata={"x": object()}),  # type: ignore[dict-item]
    ]


def test_items_that_cannot_be_sent_fail_alone(tmp_path: Path) -> None:
    with served(Gateway()) as address, Client(address) as client:
        statuses = {status.item_id: status for status in client.ingest("photos", _mixed(tmp_path))}
    assert statuses["sound"].ok
    assert statuses["missing"].error is not None and statuses["missing"].error.reason == "UNREADABLE_FILE"
    assert "is not JSON" in str(statuses["bad metadata"].error)


async def test_async_items_that_cannot_be_sent_fail_alone(tmp_path: Path) -> None:
    async def items() -> AsyncIterator[Item]:
        for item in _mixed(tmp_path):
            yield item

    with served(Gateway()) as address:
        async with AsyncClient(address) as client:
            statuses = [status async for status in client.ingest("photos", items())]
    assert sorted((status.item_id, status.ok) for status in statuses) == [
        ("bad metadata", False),
        ("missing", False),
        ("sound", True),
    ]


def _broken() -> Iterator[Item]:
    yield Item(id="first", texts=["a dog"])
    raise RuntimeError("the caller's own fault")


def test_an_error_of_the_callers_iterator_comes_after_the_statuses() -> None:
    seen: list[str] = []
    with served(Gateway()) as address, Client(address) as client:
        with pytest.raises(RuntimeError, match="own fault"):
            for status in client.ingest("photos", _broken()):
                seen.append(status.item_id)  # noqa: PERF401
    assert seen == ["first"]


async def test_async_error_of_the_callers_iterator() -> None:
    seen = []
    with served(Gateway()) as address:
        async with AsyncClient(address) as client:
            with pytest.raises(RuntimeError, match="own fault"):
                async for status in client.ingest("photos", _broken()):
                    seen.append(status.item_id)  # noqa: PERF401
    assert seen == ["first"]


def test_a_large_image_is_uploaded() -> None:
    gateway, large = Gateway(), bytes(INLINE_BYTES + 1)
    with served(gateway) as address, Client(address) as client:
        list(client.ingest("photos", [Item(id="small", image=b"x"), Item(id="large", image=large)]))
    small, big = (request.item.image for request in gateway.ingested)
    assert small.content == b"x" and big.upload_id == "upload-0"
    assert gateway.uploads["upload-0"] == large


async def test_async_a_large_image_is_uploaded() -> None:
    gateway, large = Gateway(), bytes(INLINE_BYTES + 1)
    with served(gateway) as address:
        async with AsyncClient(address) as client:
            await client.search("photos", image=large)
    assert gateway.searches[0].query.parts[0].image.upload_id == "upload-0"


def test_a_stream_that_breaks_raises() -> None:
    def die(request: object) -> None:
        raise RuntimeError

    with served(Gateway(on_item=die)) as address, Client(address) as client:
        with pytest.raises(errors.ScenographError):
            list(client.ingest("photos", _items([], 100)))
