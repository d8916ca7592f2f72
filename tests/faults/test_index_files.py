"""What survives: kill -9, a full disk, damaged and newer files."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scenograph.index.app import IndexApp
from scenograph.runtime.contracts import Write
from scenograph.scene.errors import (
    CollectionExists,
    DiskFull,
    FailedPrecondition,
    IndexCorrupt,
    IndexFormatTooNew,
)
from tests.faults.killed import killed
from tests.index.make import BITS, PACK, all_ids, opened, put, query, record, same


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "index"


@pytest.mark.parametrize("how", ["", "eager"])
async def test_what_was_acknowledged_survives_kill_9(folder: Path, how: str) -> None:
    """Three lives of a writer, each killed in the middle; then every item is as last acknowledged, or as
    tried later.
    """
    async with opened(folder, collections=["photos"]):
        pass
    tried: dict[str, set[int]] = {}
    for life in range(3):
        lines = _killed_writer(folder, life * 1000, how, acknowledgements=250)
        for word, item, seed in (line.split() for line in lines):
            if word == "ok":
                tried[item] = {int(seed)}
            else:
                tried.setdefault(item, {-1}).add(int(seed))
        async with opened(folder) as app:
            found, missing = await app.get("photos", list(tried))
            for one in found:
                seeds = tried[one.id]
                assert any(same(one, record(one.id, seed, texts=seed % 4)) for seed in seeds if seed >= 0)
            assert all(-1 in tried[item] for item in missing)
            assert sorted(await all_ids(app)) == sorted(one.id for one in found)
            answer = await app.search("photos", query(0))
            assert len(answer.hits) == sum(len(one.entries) for one in found)
            tried = {one.id: tried[one.id] - {-1} for one in found} | {item: {-1} for item in missing}


def _killed_writer(folder: Path, seed: int, how: str, acknowledgements: int) -> list[str]:
    """Runs the writer until it has acknowledged so much and a little longer, then kills it; what it said."""

    def enough(lines: list[str]) -> bool:
        return sum(line.startswith("ok") for line in lines) >= acknowledgements

    return killed("tests.faults.crash_writer", str(folder), str(seed), how, enough=enough)


async def test_request_ids_are_known_after_a_restart(folder: Path) -> None:
    async with opened(folder, collections=["photos"]) as app:
        await app.upsert("photos", [Write(record("a", 1), "r", b"x")])
        version = (await app.get_collection("photos")).version
    async with opened(folder) as app:
        result = await app.upsert("photos", [Write(record("a", 1), "r", b"x")])
        assert result.replayed == [True] and result.version == version


async def test_a_full_file_is_told_from_its_neighbours(folder: Path) -> None:
    """A call that does not fit fails alone, though it shares the commit with calls that do."""
    async with opened(folder, collections=["photos"]) as app:
        store = app._opened.store("photos")
        await put(app, record("a"))
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 3}")
        big = [Write(record(f"b{n}", n, metadata={"x": "y" * 60_000})) for n in range(9)]
        jobs = [store.upsert(writes) for writes in ([Write(record("c", 1))], big, [Write(record("d", 2))])]
        with pytest.raises(DiskFull):
            jobs[1].result(10)
        assert jobs[0].result(10).errors == jobs[2].result(10).errors == [None]
        assert await all_ids(app) == ["a", "c", "d"]
        store._connection.execute("PRAGMA max_page_count = 1000000")
        assert (await app.upsert("photos", big)).errors == [None] * 9
        assert (await app.search("photos", query(filter="x:*"))).considered == 18


async def test_a_folder_is_open_in_one_process_only(folder: Path) -> None:
    async with opened(folder):
        with pytest.raises(FailedPrecondition, match="another process"):
            async with opened(folder):
                pass
    async with opened(folder):
        pass


async def test_a_newer_folder_is_refused_and_left_alone(folder: Path) -> None:
    async with opened(folder, collections=["photos"]) as app:
        await put(app, record("a"))
    path = folder / "index.json"
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {"format": 2, "new": 1}))
    for _ in range(2):
        with pytest.raises(IndexFormatTooNew):
            await IndexApp(folder).start()
    path.write_text(before)
    async with opened(folder) as app:
        assert await all_ids(app) == ["a"]


async def test_a_newer_collection_is_refused_and_the_others_serve(folder: Path) -> None:
    async with opened(folder, collections=["photos", "other"]) as app:
        await put(app, record("a"))
    _sql(_file(folder), "PRAGMA user_version = 99")
    async with opened(folder) as app:
        with pytest.raises(IndexFormatTooNew):
            await app.search("photos", query())
        assert list(app.damaged()) == ["photos"]
        await put(app, record("a"), collection="other")


def _file(folder: Path) -> Path:
    home = folder / "collections" / "photos"
    return home / str(json.loads((home / "current.json").read_text())["file"])


def _sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def _overwrite(path: Path, start: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(content)


TABLES = ("state", "items", "entries", "graphs", "requests")
DAMAGES: dict[str, Callable[[Path], object]] = {
    "no file": lambda path: path.unlink(),
    "an empty file": lambda path: path.write_bytes(b""),
    "another file": lambda path: path.write_bytes(b"no database " * 1000),
    "half a file": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage in the middle": lambda path: _overwrite(path, 8192, os.urandom(path.stat().st_size - 8192)),
    "an empty database": lambda path: _sql(path, *(f"DROP TABLE {t}" for t in TABLES)),
    "no state": lambda path: _sql(path, "DELETE FROM state"),
    "no table": lambda path: _sql(path, "DROP TABLE entries"),
    "lost entries": lambda path: _sql(path, "DELETE FROM entries WHERE entry = 5"),
    "swapped entries": lambda path: _sql(path, "UPDATE items SET first_entry = first_entry + 1"),
    "a short code": lambda path: _sql(path, "UPDATE entries SET code = x'00' WHERE entry = 5"),
    "no pointer": lambda path: (path.parent / "current.json").unlink(),
    "a wrong pointer": lambda path: (path.parent / "current.json").write_text('{"file": "../../x"}'),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_collection_is_named_and_the_others_serve(folder: Path, damage: str) -> None:
    async with opened(folder, collections=["photos", "other"]) as app:
        await put(app, *(record(f"i{n}", n, texts=5) for n in range(40)))
        await put(app, record("a"), collection="other")
        await app.create_snapshot("photos", "good")
    DAMAGES[damage](_file(folder))
    async with opened(folder) as app:
        for call in (app.get_collection("photos"), app.search("photos", query()), app.get("photos", ["i1"])):
            with pytest.raises(IndexCorrupt):
                await call
        with pytest.raises(IndexCorrupt):
            await app.upsert("photos", [Write(record("x"))])
        with pytest.raises(CollectionExists):
            await app.create_collection("photos", PACK, BITS)
        assert [one.name for one in (await app.list_collections())[0]] == ["other"]
        assert await all_ids(app, "other") == ["a"]
        if damage == "no file":
            await app.delete_collection("photos")
        await app.restore_snapshot("good")
        assert len(await all_ids(app)) == 40 and app.damaged() == {}
    async with opened(folder) as app:
        assert len((await app.search("photos", query())).hits) == 240


async def test_a_damaged_graph_fails_what_reads_it(folder: Path) -> None:
    async with opened(folder, collections=["photos"]) as app:
        await put(app, *(record(f"i{n}", n) for n in range(4)))
    _sql(_file(folder), "UPDATE graphs SET graph = x'c1' WHERE entry = 3")
    async with opened(folder) as app:
        assert len((await app.search("photos", query())).hits) == 8
        with pytest.raises(IndexCorrupt):
            await app.search("photos", query(with_graphs=8))
        with pytest.raises(IndexCorrupt):
            await app.get("photos", ["i1"])
        assert (await app.get("photos", ["i0"]))[1] == []


@pytest.mark.parametrize("content", ["", "{", '{"format": "x"}', '{"format": 1}', "[]"])
async def test_a_damaged_settings_file_is_named(folder: Path, content: str) -> None:
    async with opened(folder, collections=["photos"]):
        pass
    (folder / "index.json").write_text(content)
    with pytest.raises(IndexCorrupt, match=r"index\.json"):
        await IndexApp(folder).start()
    (folder / "index.json").unlink()
    with pytest.raises(IndexCorrupt, match=r"index\.json"):
        await IndexApp(folder).start()


async def test_litter_of_an_interrupted_process_is_cleared(folder: Path) -> None:
    async with opened(folder, collections=["photos"]) as app:
        await put(app, record("a"))
    (folder / "building" / "half").mkdir()
    (folder / "trash" / "gone").mkdir()
    (folder / "trash" / "gone" / "1.sqlite").write_bytes(b"x")
    async with opened(folder) as app:
        assert await all_ids(app) == ["a"]
        assert [*(folder / "building").iterdir(), *(folder / "trash").iterdir()] == []
