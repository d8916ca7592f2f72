"""Bytes that change on the disk while nobody looks: told, or mended from the records, never answered with."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scenograph.cli.app import app as command
from scenograph.index import verifying
from scenograph.index.limits import Limits
from scenograph.packs import Pack
from scenograph.runtime.contracts import IndexAnswer, IndexQuery, Record
from scenograph.scene.errors import IndexCorrupt, ScenographError
from tests.faults.outcome import Outcome
from tests.faults.servers import Restartable
from tests.index.make import all_ids, entry, opened, put, query, record, same

ITEMS = 30
FLIPS = 80
LISTED = Limits(exact_up_to=20)

ROT = {
    "a code": "UPDATE entries SET code = x'0102030405060708' WHERE entry = 7",
    "an embedding": "UPDATE entries SET embedding = zeroblob(length(embedding)) WHERE entry = 7",
    "a text": "UPDATE entries SET text = 'text 9 of 9' WHERE entry = 8",
    "a width": "UPDATE entries SET width = width + 1 WHERE entry = 7",
    "an ordinal": "UPDATE entries SET ordinal = ordinal + 5 WHERE entry = 8",
    "a graph": "UPDATE graphs SET graph = (SELECT graph FROM graphs WHERE entry = 9) WHERE entry = 7",
    "no graph": "DELETE FROM graphs WHERE entry = 7",
    "metadata": """UPDATE items SET metadata = '{"a":1}' WHERE id = 'i3'""",
    "a time": "UPDATE items SET update_us = update_us + 1 WHERE id = 'i3'",
    "an id": "UPDATE items SET id = 'other' WHERE id = 'i3'",
    "no sum": "DELETE FROM entry_sums WHERE entry = 7",
    "another sum": "UPDATE item_sums SET item_sum = 1 WHERE sequence = 4",
}


async def _filled(folder: Path, limits: Limits | None = None) -> tuple[list[Record], IndexAnswer]:
    """A collection with a snapshot, closed in good order: its records, an answer. i3 has entries 7 and 8."""
    async with opened(folder, limits, collections=["photos"]) as app:
        await put(app, *(record(f"i{n}", n) for n in range(ITEMS)))
        await app.create_snapshot("photos", "good")
        records, _ = await app.get("photos", [f"i{n}" for n in range(ITEMS)])
        return records, await app.search("photos", _question())


def _question(graphs: int = 0) -> IndexQuery:
    return query(embedding=entry(3).embedding, with_graphs=graphs)


def _plain(answer: IndexAnswer) -> list[tuple[object, ...]]:
    return [
        (hit.item_id, hit.modality, hit.ordinal, hit.hamming, hit.cosine, hit.text) for hit in answer.hits
    ]


def _records_file(folder: Path) -> Path:
    return next((folder / "collections" / "photos").glob("*.sqlite"))


@pytest.mark.parametrize("what", ROT)
async def test_a_changed_row_is_told(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "data" / "index"
    await _filled(folder)
    with closing(sqlite3.connect(_records_file(folder), isolation_level=None)) as connection:
        connection.execute(ROT[what])
    collection, snapshot = verifying.verify(folder)
    assert collection.damaged == (("other",) if what == "an id" else ("i3",)) and snapshot.sound
    result = CliRunner().invoke(command, ["index", "verify", "--data", str(tmp_path / "data")])
    assert result.exit_code == 1 and "1 items damaged" in result.output

    async with opened(folder) as app:  # so few that a start compares them all
        with pytest.raises(IndexCorrupt, match="restore a snapshot"):
            await app.get("photos", ["i3"])
        await app.restore_snapshot("good")
        assert len(await all_ids(app)) == ITEMS
    assert all(one.sound for one in verifying.verify(folder))


async def test_a_damaged_snapshot_is_not_restored(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    await _filled(folder)
    path = folder / "snapshots" / "good" / "records.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(ROT["an embedding"])
    collection, snapshot = verifying.verify(folder)
    assert collection.sound and snapshot.damaged == ("i3",)
    async with opened(folder) as app:
        with pytest.raises(IndexCorrupt, match="'i3'"):
            await app.restore_snapshot("good")
        assert len(await all_ids(app)) == ITEMS


async def test_a_file_of_an_earlier_release_gets_its_sums(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    await _filled(folder)
    with closing(sqlite3.connect(_records_file(folder), isolation_level=None)) as connection:
        connection.executescript("DROP TABLE entry_sums; DROP TABLE item_sums;")
    assert "no checksums" in next(iter(verifying.verify(folder))).problem
    async with opened(folder) as app:
        assert len(await all_ids(app)) == ITEMS
    assert all(one.sound for one in verifying.verify(folder))


async def _told_or_right(folder: Path, records: list[Record], answer: IndexAnswer) -> str:
    """What a server makes of the folder: "told" or "right"; fails where it gives a wrong answer."""
    try:
        async with opened(folder, LISTED) as app:
            found, missing = await app.get("photos", [one.id for one in records])
            again = await app.search("photos", _question())
            graphs = await app.search("photos", _question(2 * ITEMS))
    except ScenographError as error:
        assert isinstance(error, IndexCorrupt) and error.message, error
        return "told"
    assert not missing and len(found) == len(records)
    assert all(same(one, other) for one, other in zip(found, records, strict=True))
    assert _plain(again) == _plain(answer)
    assert [hit.graph for hit in graphs.hits] == [
        next(e.graph for e in _of(records, hit.item_id).entries if e.text == hit.text) for hit in graphs.hits
    ]
    return "right"


def _of(records: list[Record], item: str) -> Record:
    return next(one for one in records if one.id == item)


def _flip(path: Path, choose: random.Random, start: int, stop: int) -> None:
    with path.open("r+b") as file:
        place = choose.randrange(start, stop)
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1 << choose.randrange(8)]))


async def _many_flips(
    tmp_path: Path, fault: str, flip: Callable[[Path, random.Random, int], None], flips: int
) -> dict[str, int]:
    before = await _filled(tmp_path / "index", LISTED)
    choose, outcome = random.Random(7), Outcome(fault)
    seen = {"told": 0, "right": 0}
    for number in range(flips):
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(tmp_path / "index", copy)
        flip(copy, choose, number)
        seen[await _told_or_right(copy, *before)] += 1
    outcome.writes, outcome.searches = ITEMS, 2 * flips
    outcome.note = f"{seen['told']} refused by name, {seen['right']} harmless or mended"
    outcome.check()
    return seen


async def test_a_bit_anywhere_in_the_records(tmp_path: Path) -> None:
    """A bit in each stretch of the SQLite file twice."""

    def flip(folder: Path, choose: random.Random, number: int) -> None:
        path = _records_file(folder)
        part = path.stat().st_size // FLIPS
        _flip(path, choose, number * part, (number + 1) * part)

    fault = f"a bit flipped in the records' file, {FLIPS} places"
    seen = await _many_flips(tmp_path, fault, flip, FLIPS)
    assert seen["told"] > FLIPS // 10


async def test_a_bit_anywhere_in_the_columns_is_mended(tmp_path: Path) -> None:
    """A bit in each file that is made from the records, lists included, twice."""

    def files(folder: Path) -> list[Path]:
        home = next((folder / "collections" / "photos").glob("*.columns"))
        return sorted(path for path in home.rglob("*") if path.is_file() and path.stat().st_size)

    def flip(folder: Path, choose: random.Random, number: int) -> None:
        path = files(folder)[number % len(files(folder))]
        _flip(path, choose, 0, min(path.stat().st_size, 400))

    fault = "a bit flipped in each file of columns and lists, twice"
    seen = await _many_flips(tmp_path, fault, flip, 36)
    assert seen["told"] == 0


def test_a_damaged_pack_is_refused(default_pack: Pack, tmp_path: Path) -> None:
    """A server names the file and what to do, and does not serve."""
    home = tmp_path / "packs" / default_pack.manifest.name
    home.mkdir(parents=True)
    folder = home / default_pack.folder.name
    shutil.copytree(default_pack.folder, folder, copy_function=_linked)
    model = folder / "hash_head.onnx"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.unlink()
    model.write_bytes(content)
    server = Restartable(tmp_path / "server", settings={"SCENOGRAPH_PACKS": str(tmp_path / "packs")})
    with pytest.raises(ValueError, match=r"hash_head\.onnx"):
        server.start()
    model.unlink()
    _linked(str(default_pack.folder / model.name), str(model))
    with server:
        pass
    Outcome("a bit flipped in a model of the pack", note="the start, which names the file").record()


def _linked(source: str, target: str) -> None:
    Path(target).symlink_to(source)
