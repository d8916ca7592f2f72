"""Snapshots: made and restored under load, switched at once, with versions that never repeat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.index.make import BITS, PACK, all_ids, opened, put, query, record, same

from scenograph.index.app import IndexApp
from scenograph.runtime.contracts import Write
from scenograph.scene.errors import (
    AlreadyExists,
    CollectionNotFound,
    IndexCorrupt,
    IndexFormatTooNew,
    InvalidInput,
    PageTokenExpired,
    SnapshotNotFound,
)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[IndexApp]:
    async with opened(tmp_path, collections=["photos"]) as index:
        yield index


async def test_a_restored_collection_is_as_it_was(app: IndexApp) -> None:
    await put(app, *(record(f"i{n}", n, metadata={"n": n}) for n in range(10)))
    before = await app.search("photos", query(1))
    made = await app.create_snapshot("photos", "monday")
    assert (made.name, made.collection, made.items, made.pack_version) == ("monday", "photos", 10, PACK)
    assert made.bytes > 10_000
    await app.delete("photos", ["i1", "i2"])
    await put(app, record("i3", 77), record("new", 5))
    latest = (await app.get_collection("photos")).version
    restored = await app.restore_snapshot("monday")
    assert (restored.items, restored.entries) == (10, 20) and restored.version > latest
    after = await app.search("photos", query(1))
    assert [(h.item_id, h.hamming) for h in after.hits] == [(h.item_id, h.hamming) for h in before.hits]
    found, missing = await app.get("photos", [f"i{n}" for n in range(10)])
    assert missing == [] and all(
        same(one, record(one.id, n, metadata={"n": n})) for n, one in enumerate(found)
    )
    assert (await put(app, record("i3", 78))).version > restored.version


async def test_a_snapshot_may_fill_another_collection(app: IndexApp) -> None:
    await put(app, *(record(f"i{n}", n) for n in range(5)))
    await app.create_snapshot("photos", "s")
    copy = await app.restore_snapshot("s", "copy")
    assert (copy.name, copy.items) == ("copy", 5)
    await app.delete("copy", ["i0"])
    assert len(await all_ids(app, "photos")) == 5 and len(await all_ids(app, "copy")) == 4
    await app.create_collection("wide", "other@1", 256)
    wide = await app.restore_snapshot("s", "wide")
    assert (wide.bits, wide.pack_version) == (BITS, PACK)


async def test_versions_go_on_rising_through_restores_and_restarts(tmp_path: Path) -> None:
    versions = []
    async with opened(tmp_path, collections=["photos"]) as app:
        await put(app, record("a"))
        await app.create_snapshot("photos", "s")
        for _ in range(3):
            versions.append((await app.restore_snapshot("s")).version)
            versions.append((await put(app, record("b"))).version)
        await app.delete_collection("photos")
        versions.append((await app.restore_snapshot("s", "photos")).version)
    async with opened(tmp_path) as app:
        assert (await app.get_collection("photos")).version == versions[-1]
        versions.append((await app.restore_snapshot("s")).version)
    assert versions == sorted(set(versions))


async def test_snapshots_outlive_their_collection_and_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        await put(app, record("a"))
        await app.create_snapshot("photos", "s")
        await app.delete_collection("photos")
    async with opened(tmp_path) as app:
        with pytest.raises(CollectionNotFound):
            await app.get_collection("photos")
        assert (await app.restore_snapshot("s")).items == 1
    async with opened(tmp_path) as app:
        assert await all_ids(app) == ["a"]
        files = sorted(path.name for path in (tmp_path / "collections" / "photos").iterdir())
        assert len([name for name in files if name.endswith(".sqlite")]) == 1


async def test_request_ids_are_restored_with_the_records_they_wrote(app: IndexApp) -> None:
    await app.create_snapshot("photos", "empty")
    write = Write(record("a"), "r", b"x")
    await app.upsert("photos", [write])
    await app.create_snapshot("photos", "full")
    await app.restore_snapshot("empty")
    assert (await app.upsert("photos", [write])).replayed == [False]
    await app.restore_snapshot("full")
    assert (await app.upsert("photos", [write])).replayed == [True]


async def test_snapshots_are_listed_page_by_page(app: IndexApp) -> None:
    await app.create_collection("other", PACK, BITS)
    for name in ("c", "a", "d", "b"):
        await app.create_snapshot("other" if name == "b" else "photos", name)
    first, token = await app.list_snapshots(page_size=3)
    rest, end = await app.list_snapshots(page_size=3, page_token=token)
    assert [one.name for one in first + rest] == ["a", "b", "c", "d"] and end == ""
    mine, token = await app.list_snapshots("photos", page_size=2)
    assert [one.name for one in mine] == ["a", "c"]
    assert [one.name for one in (await app.list_snapshots("photos", 2, token))[0]] == ["d"]
    unnamed = [await app.create_snapshot("photos") for _ in range(3)]
    assert len({one.name for one in unnamed}) == 3 and all(one.name.startswith("photos-") for one in unnamed)


async def test_a_deleted_snapshot_is_gone_with_its_files(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        await put(app, record("a"))
        for name in ("kept", "gone", "damaged"):
            await app.create_snapshot("photos", name)
        (tmp_path / "snapshots" / "damaged" / "snapshot.json").write_text("{")
        await app.delete_snapshot("gone")
        await app.delete_snapshot("damaged")
        for call in (app.restore_snapshot("gone"), app.delete_snapshot("gone")):
            with pytest.raises(SnapshotNotFound):
                await call
        with pytest.raises(InvalidInput):
            await app.delete_snapshot("../collections")
        assert (await app.restore_snapshot("kept", "copy")).items == 1
        await app.create_snapshot("photos", "gone")  # the name is free again
        await app.delete_snapshot("gone")
    async with opened(tmp_path) as app:
        assert [one.name for one in (await app.list_snapshots())[0]] == ["kept"]
    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == ["kept"]
    assert list((tmp_path / "trash").iterdir()) == []


async def test_wrong_snapshot_calls_are_refused(app: IndexApp, tmp_path: Path) -> None:
    await put(app, record("a"))
    await app.create_snapshot("photos", "s")
    with pytest.raises(AlreadyExists):
        await app.create_snapshot("photos", "s")
    with pytest.raises(CollectionNotFound):
        await app.create_snapshot("nowhere", "t")
    with pytest.raises(SnapshotNotFound):
        await app.restore_snapshot("t")
    for call in (
        app.create_snapshot("photos", "../x"),
        app.restore_snapshot("../x"),
        app.restore_snapshot("s", "A"),
    ):
        with pytest.raises(InvalidInput):
            await call
    path = tmp_path / "snapshots" / "s" / "records.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IndexCorrupt):
        await app.restore_snapshot("s")
    path.write_bytes(whole[:60] + (99).to_bytes(4, "big") + whole[64:])  # user_version
    with pytest.raises(IndexFormatTooNew):
        await app.restore_snapshot("s", "elsewhere")
    path.write_bytes(whole)
    assert await all_ids(app) == ["a"] and len((await app.list_collections())[0]) == 1
    assert (await app.restore_snapshot("s")).items == 1


async def test_a_damaged_snapshot_does_not_hide_the_others(app: IndexApp, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        await app.create_snapshot("photos", name)
    (tmp_path / "snapshots" / "b" / "snapshot.json").write_text("{")
    assert [one.name for one in (await app.list_snapshots(page_size=2))[0]] == ["a", "c"]
    with pytest.raises(IndexCorrupt):
        await app.restore_snapshot("b")


async def test_a_list_does_not_go_on_in_a_restored_collection(app: IndexApp) -> None:
    await put(app, *(record(f"i{n}", n) for n in range(5)))
    await app.create_snapshot("photos", "s")
    _, token = await app.list_items("photos", page_size=2)
    await app.restore_snapshot("s")
    with pytest.raises(PageTokenExpired):
        await app.list_items("photos", page_size=2, page_token=token)


async def test_reads_and_writes_go_on_while_snapshots_are_made_and_restored(app: IndexApp) -> None:
    """No call fails; each search sees one state or the other, whole; the snapshot holds whole calls only."""
    await put(app, *(record(f"i{n}", 1, metadata={"turn": 1}) for n in range(50)))
    await app.create_snapshot("photos", "first")
    stop = False
    sizes: set[int] = set()

    async def write() -> None:
        turn = 2
        while not stop:
            await put(app, *(record(f"j{n}", turn, metadata={"turn": turn}) for n in range(20)))
            turn += 1

    async def read() -> None:
        last = 0
        while not stop:
            answer = await app.search("photos", query(1, with_graphs=5))
            assert answer.version >= last
            last = answer.version
            sizes.add(len(answer.hits))
            assert len((await app.get("photos", ["i0", "j0"]))[0]) >= 1
            await all_ids_or_expired(app)

    tasks = [asyncio.create_task(work()) for work in (write, read, read)]
    for turn in range(5):
        made = await app.create_snapshot("photos", f"s{turn}")
        assert made.items in (50, 70)
        await app.restore_snapshot("first" if turn % 2 else f"s{turn}")
    stop = True
    await asyncio.gather(*tasks)
    assert sizes <= {100, 140}


async def all_ids_or_expired(app: IndexApp) -> None:
    """A list that a restore overtook says so."""
    try:
        ids = await all_ids(app, page_size=40)
        assert len(ids) in (50, 70) and len(set(ids)) == len(ids)
    except PageTokenExpired:
        pass
