"""Processes that end in the middle of a write, and a Milvus that dies: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest
from tests.index.make import BITS, PACK, all_ids, entry, query, record, same
from tests.milvus_server import MilvusProcess
from tests.support import ROOT

from scenograph.index.milvus.app import MilvusIndex
from scenograph.runtime import deadline
from scenograph.runtime.contracts import Write
from scenograph.scene.errors import DeadlineExceeded, Unavailable


@pytest.fixture
async def crashes(milvus: MilvusProcess) -> AsyncIterator[MilvusIndex]:
    """A collection of three items; who uses it has opened it before the crash."""
    app = MilvusIndex(milvus.url)
    await app.start()
    await app.create_collection("crashes", PACK, BITS)
    await app.upsert("crashes", [Write(record(f"i{number}", number, texts=2)) for number in range(3)])
    yield app
    await app.delete_collection("crashes")
    await app.close()


def writer(url: str, step: str, what: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.index.milvus.ends_early", url, step, what]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def run(url: str, step: str, what: str) -> None:
    """Returns when the process has ended at the step."""
    process = writer(url, step, what)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("step", ["insert", "delete", "version"])
async def test_a_process_that_ends_in_the_middle_of_a_write(
    milvus: MilvusProcess, crashes: MilvusIndex, step: str
) -> None:
    before = await crashes.get_collection("crashes")
    await asyncio.to_thread(run, milvus.url, step, "upsert")
    written = step != "insert"
    for healed in (False, True):
        app = MilvusIndex(milvus.url) if healed else crashes
        if healed:  # a process that opens the collection finishes what the other began
            await app.start()
        ids = ["i0", "i1", "i2", "fresh"]
        found, missing = await app.get("crashes", ids)
        assert missing == ([] if written else ["fresh"])
        for one, number in zip(found, (0, 1, 2, 100), strict=False):
            wanted = record(one.id, 100 + number) if written else record(one.id, number, texts=2)
            assert same(one, wanted), "each item is as before or as written, and whole"
        answer = await app.search("crashes", query(embedding=entry(1).embedding))
        names = [(hit.item_id, hit.modality, hit.ordinal) for hit in answer.hits]
        assert len(names) == len(set(names))
        assert await all_ids(app, "crashes") == (ids if written else ids[:3])  # type: ignore[arg-type]
        described = await app.get_collection("crashes")
        if healed:
            assert (described.items, described.entries) == ((4, 8) if written else (3, 9))
            assert answer.considered == described.entries
            assert described.version > before.version or not written
            again = await app.upsert("crashes", [Write(record("i0", 100), "r0", b"1")])
            assert again.replayed == [written]
            await app.close()


async def test_a_process_that_ends_in_the_middle_of_a_removal(
    milvus: MilvusProcess, crashes: MilvusIndex
) -> None:
    await asyncio.to_thread(run, milvus.url, "delete", "delete")
    app = MilvusIndex(milvus.url)
    await app.start()
    assert await all_ids(app, "crashes") == ["i2"]  # type: ignore[arg-type]
    described = await app.get_collection("crashes")
    assert (described.items, described.entries) == (1, 3)
    await app.close()


async def test_a_writer_killed_at_any_moment(milvus: MilvusProcess, crashes: MilvusIndex) -> None:
    process = writer(milvus.url, "", "storm")
    assert process.stdout is not None
    acknowledged = -1
    for _ in range(40):
        acknowledged = int(await asyncio.to_thread(process.stdout.readline))
    process.kill()
    acknowledged = max([acknowledged, *(int(line) for line in process.communicate()[0].split())])
    app = MilvusIndex(milvus.url)
    await app.start()
    found, _ = await app.get("crashes", [f"s{number}" for number in range(20)])
    assert len(found) == 20
    for one in found:
        last = acknowledged - (acknowledged - int(one.id[1:])) % 20
        either = [record(one.id, number, texts=number % 3) for number in (last, last + 20)]
        assert any(same(one, wanted) for wanted in either), "the last one acknowledged, or the one after it"
    described = await app.get_collection("crashes")
    assert described.entries == 9 + sum(len(one.entries) for one in found)
    await app.close()


async def test_milvus_killed_and_started_again(milvus: MilvusProcess, crashes: MilvusIndex) -> None:
    told: asyncio.Queue[bool] = asyncio.Queue()
    watching = MilvusIndex(milvus.url, timeout_s=3, told=told.put)
    await watching.start()
    acknowledged: list[str] = []
    failed, some = 0, asyncio.Event()

    async def write() -> None:
        nonlocal failed
        number = 0
        while number < 60 or not acknowledged or acknowledged[-1] < f"w{number:04}":
            number += 1
            try:
                await watching.upsert("crashes", [Write(record(f"w{number:04}", number))])
                acknowledged.append(f"w{number:04}")
                if len(acknowledged) == 10:
                    some.set()
            except Unavailable:
                failed += 1
                await asyncio.sleep(0.1)

    writing = asyncio.create_task(write())
    await some.wait()
    milvus.kill()
    assert await told.get() is False
    with pytest.raises(Unavailable):
        await watching.search("crashes", query())
    await asyncio.to_thread(milvus.start)
    assert await told.get() is True
    await writing
    assert failed > 0
    names = await all_ids(watching, "crashes")  # type: ignore[arg-type]
    assert set(acknowledged) <= set(names) and names[:3] == ["i0", "i1", "i2"]
    for item in acknowledged[::7]:
        (found,), _ = await watching.get("crashes", [item])
        assert same(found, record(item, int(item[1:])))
    await watching.close()


async def test_a_milvus_that_hangs_costs_the_time_limit(milvus: MilvusProcess, crashes: MilvusIndex) -> None:
    app = MilvusIndex(milvus.url, timeout_s=0.5)
    await app.start()
    await app.get_collection("crashes")
    milvus.suspend()
    try:
        start = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            await app.get("crashes", ["i0"])
        with pytest.raises(DeadlineExceeded), deadline.within(0.2):
            await app.get("crashes", ["i0"])
        assert time.monotonic() - start > 0.6
    finally:
        milvus.resume()
    for _ in range(100):
        try:
            assert (await app.get("crashes", ["i0"]))[1] == []
            break
        except Unavailable:
            await asyncio.sleep(0.1)
    else:
        pytest.fail("Milvus was not taken up again")
    await app.close()


async def test_no_milvus_at_all() -> None:
    app = MilvusIndex("milvus://127.0.0.1:9", timeout_s=0.5)
    with pytest.raises(Unavailable):
        await app.get_collection("photos")
    with pytest.raises(Unavailable):
        await app.start(within_s=0)
    await app.close()
