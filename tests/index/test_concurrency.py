"""Readers beside a writer: nobody waits, nobody sees half an item."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.index.make import BITS, PACK, graph, opened, put, query, record

from scenograph.index.app import IndexApp
from scenograph.index.limits import Limits
from scenograph.runtime.contracts import Modality
from scenograph.scene.errors import Unavailable


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[IndexApp]:
    async with opened(tmp_path, collections=["photos"]) as index:
        yield index


async def test_a_reader_sees_whole_items_of_one_version(app: IndexApp) -> None:
    """Every item is rewritten again and again, all in one call; a search, a list or a get shows one writing
    of all.
    """
    count, stop = 8, Event()

    def write() -> None:
        async def rewrite() -> None:
            turn = 1
            while not stop.is_set():
                seeds = [turn * 10 + n for n in range(count)]
                await put(
                    app, *(record(f"i{n}", s, texts=s % 3, metadata={"t": s}) for n, s in enumerate(seeds))
                )
                turn += 1

        asyncio.run(rewrite())

    await put(
        app, *(record(f"i{n}", 10 + n, texts=(10 + n) % 3, metadata={"t": 10 + n}) for n in range(count))
    )
    writer = Thread(target=write)
    writer.start()
    turns = set()
    try:
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            answer = await app.search("photos", query(1, with_graphs=100))
            seeds = {}
            for hit in answer.hits:
                if hit.modality == Modality.IMAGE:
                    assert hit.graph is not None
                    seeds[hit.item_id] = int(hit.graph.nodes[0].label.removeprefix("thing")) // 100
            turn = seeds["i0"] // 10
            assert seeds == {f"i{n}": turn * 10 + n for n in range(count)}
            assert answer.considered == len(answer.hits) == sum(seed % 3 + 1 for seed in seeds.values())
            for hit in answer.hits:
                if hit.modality == Modality.TEXT:
                    seed = seeds[hit.item_id]
                    assert hit.text == f"text {hit.ordinal} of {seed}"
                    assert hit.graph == graph(f"thing{seed * 100 + hit.ordinal + 1}")
            listed, _ = await app.list_items("photos", filter="t > 0")
            got, _ = await app.get("photos", [f"i{n}" for n in range(count)])
            for records in (listed, got):
                first = records[0].metadata["t"]
                assert isinstance(first, int)
                assert [one.metadata["t"] for one in records] == [first + n for n in range(count)]
                assert all(len(one.entries) == (first + n) % 3 + 1 for n, one in enumerate(records))
            turns.add(turn)
    finally:
        stop.set()
        writer.join()
    assert len(turns) > 3


async def test_readers_do_not_wait_for_a_commit(app: IndexApp) -> None:
    """While the writer's transaction is held open, searches, lists and reads answer from the last version."""
    await put(app, record("a"))
    store = app._opened.store("photos")
    held, go = Event(), Event()

    def slow(transaction: object) -> object:
        held.set()
        go.wait(10)
        return lambda version: version

    job = store._writer.submit(slow, 1)
    try:
        await asyncio.to_thread(held.wait, 5)
        async with asyncio.timeout(2):
            assert len((await app.search("photos", query(with_graphs=5))).hits) == 2
            assert len((await app.list_items("photos"))[0]) == 1
            assert len((await app.get("photos", ["a"]))[0]) == 1
            assert (await app.get_collection("photos")).items == 1
    finally:
        go.set()
    job.result(5)


async def test_calls_that_wait_share_commits(app: IndexApp) -> None:
    before = (await app.get_collection("photos")).version
    await asyncio.gather(*(put(app, record(f"i{n}", n)) for n in range(200)))
    after = await app.get_collection("photos")
    assert after.items == 200 and after.version - before < 150


async def test_a_cancelled_call_is_not_written_once_it_has_waited(app: IndexApp) -> None:
    store = app._opened.store("photos")
    held, go = Event(), Event()

    def slow(transaction: object) -> object:
        held.set()
        go.wait(10)
        return lambda version: version

    store._writer.submit(slow, 1)
    await asyncio.to_thread(held.wait, 5)
    task = asyncio.create_task(put(app, record("a")))
    async with asyncio.timeout(5):
        while store._writer._pending < 2:  # noqa: ASYNC110  (a thread counts them)
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    await put(app, record("b"))
    assert (await app.get("photos", ["a", "b"]))[1] == ["a"]


async def test_the_log_stays_small_though_readers_overlap(
    app: IndexApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite reuses its log only where no reader is; the writer makes such a moment when the log is long."""
    monkeypatch.setattr("scenograph.index.store.LOG_BYTES", 1_000_000)
    await put(app, *(record(f"i{n}", n) for n in range(100)))
    stop = False

    async def read() -> None:
        while not stop:
            await app.list_items("photos", page_size=20)

    readers = [asyncio.create_task(read()) for _ in range(4)]
    (log,) = (tmp_path / "collections" / "photos").glob("*-wal")
    sizes = []
    for turn in range(20):
        await put(app, *(record(f"i{n}", turn + n, metadata={"x": "y" * 1000}) for n in range(100)))
        sizes.append(log.stat().st_size)
    stop = True
    await asyncio.gather(*readers)
    assert max(sizes) < 4_000_000


async def test_collections_come_and_go_beside_each_other(app: IndexApp) -> None:
    async def life(name: str) -> None:
        for _ in range(3):
            await app.create_collection(name, PACK, BITS)
            await put(app, *(record(f"i{n}", n) for n in range(5)), collection=name)
            assert len((await app.search(name, query())).hits) == 10
            await app.delete_collection(name)

    await asyncio.gather(*(life(f"c{n}") for n in range(6)))
    assert [one.name for one in (await app.list_collections())[0]] == ["photos"]


async def test_writes_queued_at_close_are_finished(tmp_path: Path) -> None:
    app = IndexApp(tmp_path, Limits())
    await app.start()
    await app.create_collection("photos", PACK, BITS)
    futures = [app._opened.store("photos").delete(["x"]) for _ in range(50)]
    await app.close()
    assert all(future.result(0).missing == ["x"] for future in futures)
    with pytest.raises(Unavailable):
        await app.get("photos", ["a"])
