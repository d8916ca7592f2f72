"""The columns beside the records: what a start makes of them, whatever became of them meanwhile."""

from __future__ import annotations

import asyncio
import gc
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.index.make import DIMENSION, all_ids, entry, opened, put, query, record

from scenograph.index import opening, reading
from scenograph.index.app import IndexApp
from scenograph.index.checksums import checksum
from scenograph.index.mapped import Blobs, Mapped
from scenograph.runtime.contracts import IndexAnswer, Record, Write
from scenograph.scene.errors import InvalidInput

FILES = (
    "codes",
    "end_row",
    "entry",
    "ids.bytes",
    "ids.ends",
    "metadata.bytes",
    "metadata.ends",
    "modality",
    "ordinal",
    "sequence",
    "slot",
    "texts.bytes",
    "texts.ends",
)


async def _fill(app: IndexApp) -> None:
    """Forty items, some of them rewritten and removed."""
    await put(app, *(record(f"i{n}", n, texts=n % 3, metadata={"n": n}) for n in range(40)))
    await put(app, *(record(f"i{n}", n + 100) for n in range(5)))
    await app.delete("photos", ["i7", "i39"])


async def _said(app: IndexApp) -> list[object]:
    """All that searches and lists say of a collection."""
    answer = await app.search("photos", query(1, embedding=entry(3).embedding, coarse_candidates=1000))
    some = await app.search("photos", query(1, filter="n >= 20", coarse_candidates=1000))
    items, _ = await app.list_items("photos", brief=True)
    return [
        _hits(answer),
        _hits(some),
        [one.id for one in items],
        (await app.get_collection("photos")).version,
    ]


def _hits(answer: IndexAnswer) -> list[object]:
    return [
        (hit.item_id, hit.modality, hit.ordinal, hit.hamming, hit.cosine, hit.text) for hit in answer.hits
    ]


def _columns(folder: Path) -> Path:
    (found,) = folder.glob("collections/photos/*.columns")
    return found


def _table(folder: Path) -> Path:
    (found,) = (path for path in _columns(folder).iterdir() if path.is_dir())
    return found


def _no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object) -> None:
        raise AssertionError("the records were read")

    monkeypatch.setattr(reading, "load", refused)


async def test_a_start_after_a_clean_end_reads_no_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, collections=["photos", "empty"]) as app:
        await _fill(app)
        before = await _said(app)
    _no_reading(monkeypatch)
    async with opened(tmp_path) as app:
        assert app.damaged() == {} and await _said(app) == before


@pytest.mark.parametrize("lost", ["all", "position", "table"])
async def test_without_columns_a_start_makes_them_from_the_records(tmp_path: Path, lost: str) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        await _fill(app)
        before = await _said(app)
    home = _columns(tmp_path)
    {
        "all": lambda: shutil.rmtree(home),
        "position": lambda: (home / "position").unlink(),
        "table": lambda: shutil.rmtree(_table(tmp_path)),
    }[lost]()
    for _ in range(2):
        async with opened(tmp_path) as app:
            assert await _said(app) == before


DAMAGES: dict[str, Callable[[bytes, int], bytes]] = {
    "cut short": lambda content, at: content[:16],
    "zeros": lambda content, at: content[:at] + bytes(64) + content[at + 64 :],
    "ones": lambda content, at: content[:at] + b"\xff" * 64 + content[at + 64 :],
}


@pytest.mark.parametrize("file", [*FILES, "../position"])
@pytest.mark.parametrize("damage", DAMAGES)
async def test_torn_columns_are_made_anew(
    tmp_path: Path, damage: str, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        await _fill(app)
        before = await _said(app)
    path = _table(tmp_path) / file
    at = 400 if file in ("codes", "texts.bytes") else 0  # the first of these belong to what was rewritten
    path.write_bytes(DAMAGES[damage](path.read_bytes(), at))
    async with opened(tmp_path) as app:
        assert await _said(app) == before
    assert "made anew from the records" in caplog.text


async def test_torn_embeddings_are_found_while_the_index_serves(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        await _fill(app)
        before = await _said(app)
    path = _table(tmp_path) / "embeddings"
    content = path.read_bytes()
    at = 4 * DIMENSION * 30 + 3  # in a row that lives, and that no other check looks at
    path.write_bytes(content[:at] + bytes([content[at] ^ 64]) + content[at + 1 :])
    async with opened(tmp_path) as app:
        for _ in range(200):
            if await _said(app) == before:
                break
            await asyncio.sleep(0.02)
        assert await _said(app) == before
        await put(app, record("new", 1))


async def test_columns_of_an_earlier_time_are_brought_up_to_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill: what was written and removed since is taken from the records, and only that."""
    async with opened(tmp_path, collections=["photos"]) as app:
        await _fill(app)
    shutil.copytree(_columns(tmp_path), tmp_path / "kept")
    async with opened(tmp_path) as app:
        await put(app, record("new", 500), record("i3", 501), record("short-lived", 502))
        await app.delete("photos", ["i8", "short-lived"])
        before = await _said(app)
    shutil.rmtree(_columns(tmp_path))
    shutil.move(tmp_path / "kept", _home(tmp_path))

    def refused(*args: object) -> None:
        raise AssertionError("all records were read")

    monkeypatch.setattr(opening, "rebuilt", refused)
    async with opened(tmp_path) as app:
        assert await _said(app) == before
        await put(app, record("newer", 600))
        before = await _said(app)
    async with opened(tmp_path) as app:
        assert await _said(app) == before


def _home(folder: Path) -> Path:
    return opening.columns_home(_records(folder))


def _records(folder: Path) -> Path:
    (found,) = folder.glob("collections/photos/*.sqlite")
    return found


async def test_columns_of_a_later_time_than_the_records_are_not_believed(tmp_path: Path) -> None:
    """As after somebody put a copy of the records back."""
    async with opened(tmp_path, collections=["photos"]) as app:
        await _fill(app)
        before = await _said(app)
    records = _records(tmp_path)
    shutil.copy(records, tmp_path / "kept")
    async with opened(tmp_path) as app:
        await put(app, record("new", 500))
        await app.delete("photos", ["i8"])
    shutil.copy(tmp_path / "kept", records)
    async with opened(tmp_path) as app:
        assert await _said(app) == before


async def test_columns_of_other_records_are_not_believed(tmp_path: Path) -> None:
    """As many commits, other content."""
    for name, seed in (("one", 0), ("two", 50)):
        async with opened(tmp_path / name, collections=["photos"]) as app:
            await put(app, *(record(f"i{n}", n + seed) for n in range(9)))
            before = await _said(app)
    shutil.rmtree(_home(tmp_path / "two"))
    shutil.copytree(_home(tmp_path / "one"), _home(tmp_path / "two"))
    async with opened(tmp_path / "two") as app:
        assert await _said(app) == before


async def test_what_a_reader_still_has_is_not_erased(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        await put(app, *(record(f"i{n}", n) for n in range(3)))
        view = app._opened.store("photos").reader.view
        texts = view.table.texts.take(np.arange(view.rows))
        await app.delete("photos", ["i1"])
        await asyncio.sleep(1.5)
        assert view.table.texts.take(np.arange(view.rows)) == texts
        table = view.table
        del view
        for _ in range(200):
            if table.modality.data[2] == 0:
                break
            await asyncio.sleep(0.05)
        assert table.texts[3] == "\0" * len(texts[3]) and not table.codes.data[2:4].any()
        assert table.texts[1] == texts[1] and table.metadata[1].strip() == b"{}"


def test_strings_are_read_as_they_were_written(tmp_path: Path) -> None:
    texts = ["", "a", "exactly8", "é" * 9, "", "x" * 1000]
    column = Blobs(tmp_path / "texts", str)
    column.write(0, texts[:2])
    column.write(2, ["to be written over"])
    column.write(2, texts[2:])
    assert [column[place] for place in range(6)] == column[:6] == texts
    order = np.argsort(column.padded(np.arange(6)), kind="stable")
    assert [texts[place] for place in order] == sorted(texts)
    again = Blobs(tmp_path / "texts", str)
    assert again.take(np.array([5, 0, 3])) == [texts[5], texts[0], texts[3]] and again.holds(6)
    again.erase(np.array([2, 3]))
    assert again[:6] == ["", "a", "\0" * 8, "\0" * 18, "", "x" * 1000]


def test_sums_of_rows_add_up(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    numbers, wide = Mapped(tmp_path / "n", np.int32), Mapped(tmp_path / "w", np.float32, 6)
    strings = Blobs(tmp_path / "s", bytes)
    numbers.write(0, random.integers(0, 99, 300).astype(np.int32))
    wide.write(0, random.random((300, 6), np.float32))
    strings.write(0, [random.bytes(n % 23) for n in range(300)])
    everything, part = np.arange(300), random.random(300) < 0.3
    for column in (numbers, wide, strings):
        parts = [checksum(column, np.flatnonzero(part)), checksum(column, np.flatnonzero(~part))]
        assert checksum(column, everything) == sum(parts) % 2**64
        assert len({checksum(column, np.array([row])) for row in range(23, 46)}) > 15


async def test_a_collection_of_codes_alone_is_opened_and_compacted(tmp_path: Path) -> None:
    def bare(item: str, seed: int) -> Record:
        made = record(item, seed)
        return replace(made, entries=tuple(replace(each, embedding=None) for each in made.entries))

    async with opened(tmp_path, collections=["photos"]) as app:
        for start in range(0, 1000, 500):
            await put(app, *(bare(f"i{n}", n) for n in range(start, start + 500)))
    async with opened(tmp_path) as app:
        await app.delete("photos", [f"i{n}" for n in range(990)])
        await put(app, bare("new", 5))  # holes are many now: the columns are copied
        assert len(await all_ids(app)) == 11
    async with opened(tmp_path) as app:
        assert len(await all_ids(app)) == 11 and len((await app.search("photos", query(5))).hits) == 22
        with pytest.raises(InvalidInput):
            await app.search("photos", query(5, embedding=np.ones(DIMENSION, np.float32)))


async def test_a_removed_collection_lets_go_of_its_files(tmp_path: Path) -> None:
    """At once: a server that makes and removes many would run out of maps before garbage is collected."""
    gc.disable()
    try:
        async with opened(tmp_path, collections=["photos"]) as app:
            await _fill(app)
            await app.search("photos", query())
            await app.upsert("photos", [Write(record("refused", 1, pack="other@1"))])
            assert _mapped(tmp_path)
            await app.delete_collection("photos")
            assert not _mapped(tmp_path)
    finally:
        gc.enable()


def _mapped(folder: Path) -> list[str]:
    """Files under the folder that this process maps, removed ones too."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if str(folder) in line]
