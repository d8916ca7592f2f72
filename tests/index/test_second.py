"""A collection made anew for another pack in a second file: nothing written meanwhile is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.index.make import BITS, PACK, all_ids, code, opened, put, record, same

from scenograph.index.app import IndexApp
from scenograph.index.second_off_loop import SecondOffLoop
from scenograph.runtime.contracts import IndexQuery, Record, Source, Write
from scenograph.runtime.principal import Principal, acting_as
from scenograph.scene.errors import CollectionNotFound, FailedPrecondition, PackMismatch

NEW = "default@2"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[IndexApp]:
    async with opened(tmp_path, collections=["photos"]) as index:
        yield index


def anew(source: Source) -> Record:
    """What another pack makes of an item: here its image's first byte says from which seed."""
    made = record(source.id, source.image[0], texts=len(source.texts), pack=NEW)
    entries = (replace(e, text=source.texts[e.ordinal]) if e.text else e for e in made.entries)
    return replace(made, entries=tuple(entries))


async def write(app: IndexApp, item: str, seed: int, request_id: str = "", **metadata: str) -> None:
    one = Write(record(item, seed, metadata=dict(metadata)), request_id, b"d", bytes([seed]) * 100)
    assert (await app.upsert("photos", [one])).errors == [None]


async def make(second: SecondOffLoop, *, most: int = 1000) -> int:
    """Makes what is to be done, at most so many items; how many were left before."""
    places, _ = await second.to_do()
    sources = await second.read(places[:most])
    await second.store([(source, anew(source)) for source in sources])
    return len(places)


async def test_what_is_written_meanwhile_is_made_too(app: IndexApp) -> None:
    for n in range(6):
        await write(app, f"i{n}", n, f"r{n}", kind=f"k{n}")
    before = {one.id: one for one in (await app.get("photos", [f"i{n}" for n in range(6)]))[0]}
    second = await app.second("photos", NEW)
    assert await make(second, most=4) == 6
    await write(app, "i1", 11)
    await write(app, "i6", 6)
    await app.delete("photos", ["i0", "i5"])
    await write(app, "i0", 20)  # an old name, another item
    assert await make(second) == 4  # i1, i4, i6 and the new i0
    assert await second.to_do() == ([], 6)
    await second.stop_writes()
    late = asyncio.create_task(app.upsert("photos", [Write(record("late", 3))]))
    await asyncio.sleep(0.05)
    assert not late.done() and (await app.get("photos", ["i1"]))[0]  # reads go on
    await second.switch()
    await second.close()
    (refused,) = (await late).errors
    assert isinstance(refused, PackMismatch)
    found = await app.get_collection("photos")
    assert (found.pack_version, found.items) == (NEW, 6)
    assert await all_ids(app) == ["i1", "i2", "i3", "i4", "i6", "i0"]
    seeds = {"i1": 11, "i2": 2, "i3": 3, "i4": 4, "i6": 6, "i0": 20}
    for one in (await app.get("photos", list(seeds)))[0]:
        assert same(one, replace(record(one.id, seeds[one.id], pack=NEW), metadata=one.metadata))
    kept = (await app.get("photos", ["i2"]))[0][0]
    assert (kept.create_time, kept.update_time, kept.metadata) == (
        before["i2"].create_time,
        before["i2"].update_time,
        {"kind": "k2"},
    )
    again = Write(record("i2", 2, pack=NEW), "r2", b"d")
    assert (await app.upsert("photos", [again])).replayed == [True]
    hits = (await app.search("photos", IndexQuery(code(200), BITS, NEW))).hits
    assert hits[0].item_id == "i2" and hits[0].hamming == 0


async def test_another_life_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        for n in range(5):
            await write(app, f"i{n}", n)
        second = await app.second("photos", NEW)
        await make(second, most=3)
        await second.close()
    async with opened(tmp_path) as app:
        assert (await app.get_collection("photos")).pack_version == PACK
        (left,) = await app.unfinished()
        assert (left.collection, left.pack_version, left.done, left.total) == ("photos", NEW, 3, 5)
        second = await app.second("photos", NEW)
        assert await make(second) == 2
        await second.stop_writes()
        await second.switch()
        await second.close()
        assert await app.unfinished() == []
        assert (await app.get_collection("photos")).pack_version == NEW
    async with opened(tmp_path) as app:
        assert (await app.get_collection("photos")).items == 5
        assert len(list((tmp_path / "collections" / "photos").glob("*.sqlite"))) == 1


async def test_what_is_discarded_leaves_nothing(app: IndexApp, tmp_path: Path) -> None:
    await write(app, "a", 1)
    second = await app.second("photos", NEW)
    await make(second)
    await second.stop_writes()
    await second.discard()
    assert await app.unfinished() == []
    assert len(list((tmp_path / "collections" / "photos").glob("*.sqlite"))) == 1
    await write(app, "b", 2)  # writes go on
    assert await all_ids(app) == ["a", "b"]


async def test_a_collection_that_is_replaced_meanwhile_is_left_alone(app: IndexApp) -> None:
    await write(app, "a", 1)
    await app.create_snapshot("photos", "s")
    second = await app.second("photos", NEW)
    await app.restore_snapshot("s")
    with pytest.raises(FailedPrecondition, match="replaced"):
        await second.to_do()
    await second.close()
    second = await app.second("photos", NEW)
    await app.delete_collection("photos")
    with pytest.raises(CollectionNotFound):
        await second.to_do()
    await second.discard()


async def test_images_are_kept_with_their_items(app: IndexApp) -> None:
    await write(app, "a", 1)
    await write(app, "b", 2)
    await app.create_snapshot("photos", "s")
    await write(app, "a", 3)
    await app.delete("photos", ["b"])
    await put(app, record("c", 4))
    assert await app.images_not_kept("photos") == 1
    second = await app.second("photos", NEW)
    places, _ = await second.to_do()
    assert {one.id: one.image[:1] for one in await second.read(places)} == {"a": b"\x03", "c": b""}
    await second.discard()
    await app.restore_snapshot("s")
    second = await app.second("photos", NEW)
    places, _ = await second.to_do()
    assert [(one.id, one.image) for one in await second.read(places)] == [
        ("a", b"\x01" * 100),
        ("b", b"\x02" * 100),
    ]
    await second.discard()


DOWN_TO_2 = "ALTER TABLE items DROP COLUMN labels; DROP TABLE keys; PRAGMA user_version = 2;"


async def test_a_file_of_format_1_is_upgraded(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        await put(app, record("a", 1))
    (file,) = (tmp_path / "collections" / "photos").glob("*.sqlite")
    with sqlite3.connect(file) as connection:
        connection.executescript(DOWN_TO_2 + "DROP TABLE originals; PRAGMA user_version = 1;")
    connection.close()
    async with opened(tmp_path) as app:
        assert await app.images_not_kept("photos") == 1
        await write(app, "a", 2)
        assert await app.images_not_kept("photos") == 0


async def test_a_file_of_format_2_is_upgraded(tmp_path: Path) -> None:
    """Its items are everybody's, and get labels like any others."""
    async with opened(tmp_path, collections=["photos"]) as app:
        await put(app, record("a", 1), record("b", 2))
    (file,) = (tmp_path / "collections" / "photos").glob("*.sqlite")
    with sqlite3.connect(file) as connection:
        connection.executescript(DOWN_TO_2)
    connection.close()
    async with opened(tmp_path) as app:
        found, _ = await app.get("photos", ["a", "b"])
        assert [one.access_labels for one in found] == [(), ()]
        await put(app, replace(record("a", 1), access_labels=("team",)))
        with acting_as(Principal("stranger")):
            assert await app.get("photos", ["a"]) == ([], ["a"])
            assert (await app.get_collection("photos")).items == 1
