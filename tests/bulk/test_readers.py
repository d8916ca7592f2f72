"""Sources: every record once and in the same order, wrong ones told, shards known again by their files."""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from scenograph.bulk.folder import Photo, photo_shards
from scenograph.bulk.parquet import Columns, row_group_shards
from scenograph.bulk.records import Rejected, Shard, identified
from scenograph.bulk.sources import Format, format_of, source_files
from scenograph.bulk.webdataset import tar_shards
from scenograph.cli.ingest import _read, find_photos
from scenograph.cli.ingest_bulk import _shards
from scenograph.client import Item


def read(shards: list[Shard]) -> list[Item | Rejected]:
    """All records, read after the trip to a worker."""
    return [record for shard in shards for record in pickle.loads(pickle.dumps(shard)).reader.read()]


def rows(folder: Path, *given: dict[str, Any], name: str = "a.parquet", group: int = 100) -> list[Shard]:
    folder.mkdir(exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(list(given)), folder / name, row_group_size=group)
    return list(row_group_shards(source_files(folder, Format.PARQUET), Columns()))


def tar(path: Path, *files: tuple[str, bytes]) -> None:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as out:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))


def tars(folder: Path) -> list[Shard]:
    return list(tar_shards(source_files(folder, Format.WEBDATASET)))


def test_parquet_rows_are_items(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(b"from a file")
    shards = rows(
        tmp_path,
        {"id": "x", "image": {"bytes": b"inside", "path": None}, "texts": ["one", "two"], "year": 2001},
        {"id": "y", "image": {"bytes": None, "path": "b.jpg"}, "texts": None, "year": None},
        {"id": None, "image": None, "texts": ["three"], "year": 2003},
        {"id": "z", "image": {"bytes": None, "path": "missing.jpg"}, "texts": [], "year": 2004},
        group=3,
    )
    assert [(shard.name, shard.records) for shard in shards] == [
        ("a.parquet, row group 1", 3),
        ("a.parquet, row group 2", 1),
    ]
    first, second, third, fourth = read(shards)
    assert isinstance(first, Item) and isinstance(second, Item)
    assert (first.id, first.image, tuple(first.texts), first.metadata) == (
        "x",
        b"inside",
        ("one", "two"),
        {"year": 2001},
    )
    assert (second.id, second.image, tuple(second.texts), second.metadata) == ("y", b"from a file", (), {})
    assert isinstance(third, Rejected) and (third.record, third.reason) == ("a/2", "INVALID_RECORD")
    assert isinstance(fourth, Rejected) and (fourth.record, fourth.reason) == ("z", "UNREADABLE_FILE")


def test_parquet_values_become_json_and_rows_without_ids_are_numbered(tmp_path: Path) -> None:
    when = datetime(2020, 1, 2, 3, 4)
    shards = rows(
        tmp_path,
        *({"image": b"i", "caption": "c", "when": when, "score": float("nan"), "raw": b"x", "box": {"w": n}}
          for n in range(5)),
        group=2,
    )  # fmt: skip
    items = read(shards)
    assert [item.id for item in items if isinstance(item, Item)] == [f"a/{n}" for n in range(5)]
    assert isinstance(items[4], Item)
    assert items[4].metadata == {"when": "2020-01-02T03:04:00", "box": {"w": 4}}
    assert tuple(items[4].texts) == ("c",)


def test_parquet_columns_may_be_named(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"key": [7], "jpg": [b"i"], "alt": ["said"]}), tmp_path / "a.parquet")
    files = source_files(tmp_path, Format.PARQUET)
    (item,) = read(list(row_group_shards(files, Columns("key", "jpg", "alt"))))
    assert isinstance(item, Item)
    assert (item.id, item.image, tuple(item.texts), item.metadata) == ("7", b"i", ("said",), {})
    with pytest.raises(ValueError, match="no column 'nothing'"):
        list(row_group_shards(files, Columns(id="nothing")))


def test_damaged_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no Parquet at all")
    with pytest.raises(ValueError, match="no Parquet file"):
        list(row_group_shards(source_files(tmp_path, Format.PARQUET), Columns()))
    (tmp_path / "a.parquet").unlink()
    tar(tmp_path / "a.tar", *((f"k{n}.txt", b"said" * 300) for n in range(9)))
    whole = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[: len(whole) // 3])
    found = []
    with pytest.raises(ValueError, match="damaged"):
        for record in tars(tmp_path)[0].reader.read():
            found.append(record)  # noqa: PERF402  # what came before the damage counts
    assert 0 < len(found) < 9


@pytest.mark.parametrize("name", ["set.tar", "set.tar.gz", "set.tgz"])
def test_tars_hold_samples(tmp_path: Path, name: str) -> None:
    tar(
        tmp_path / name,
        ("./0001.jpg", b"picture"),
        ("./0001.txt", b"a dog\n\n a cat \n"),
        ("./0001.json", json.dumps({"url": "u", "width": 3}).encode()),
        ("sub/0001.png", b"other"),
        ("sub/0001.json", json.dumps({"id": 12, "caption": "said"}).encode()),
        ("0002.json", b"{"),
        ("0003.jpg", b"alone"),
        ("0003.seg.png", b"not the image"),
    )
    first, second, third, fourth = read(tars(tmp_path))
    assert isinstance(first, Item) and isinstance(second, Item) and isinstance(fourth, Item)
    assert (first.id, first.image, tuple(first.texts), first.metadata) == (
        "set/0001",
        b"picture",
        ("a dog", "a cat"),
        {"url": "u", "width": 3},
    )
    assert (second.id, second.image, tuple(second.texts)) == ("12", b"other", ("said",))
    assert isinstance(third, Rejected) and third.record == "set/0002"
    assert (fourth.id, fourth.image) == ("set/0003", b"alone")


def test_photos_are_read_when_their_turn_comes(tmp_path: Path) -> None:
    photos = [Photo(f"p{n}", tmp_path / f"{n}.jpg", (f"said {n}",), {"n": n}) for n in range(5)]
    for photo in photos[:4]:
        photo.path.write_bytes(photo.id.encode())
    shards = list(photo_shards(photos, size=2))
    assert [shard.records for shard in shards] == [2, 2, 1]
    *items, missing = read(shards)
    assert [(item.id, item.image) for item in items if isinstance(item, Item)] == [
        (f"p{n}", f"p{n}".encode()) for n in range(4)
    ]
    assert isinstance(missing, Rejected) and missing.reason == "UNREADABLE_FILE"


def test_shards_are_others_when_their_files_are(tmp_path: Path) -> None:
    def ids() -> set[str]:
        photos = [Photo("p", tmp_path / "p.jpg", (), {})]
        return {
            each.id
            for each in [
                *photo_shards(photos),
                *row_group_shards(source_files(tmp_path, Format.PARQUET), Columns()),
                *tars(tmp_path),
            ]
        }

    rows(tmp_path, {"id": "a", "text": "one"})
    tar(tmp_path / "t.tar", ("a.txt", b"one"))
    (tmp_path / "p.jpg").write_bytes(b"1")
    before = ids()
    assert len(before) == 3 and ids() == before
    for path in tmp_path.iterdir():
        os.utime(path, ns=(1, 1))
    assert not ids() & before


def test_request_ids_are_of_all_that_is_stored() -> None:
    item = Item("a", b"image", ("said",), {"year": 1})
    others = [
        Item("b", b"image", ("said",), {"year": 1}),
        Item("a", b"other", ("said",), {"year": 1}),
        Item("a", b"image", ("other",), {"year": 1}),
        Item("a", b"image", ("said",), {"year": 2}),
        Item("a", None, ("said",), {"year": 1}),
    ]
    known = {identified(each).request_id for each in [item, *others]}
    assert len(known) == 6
    assert identified(Item("a", b"image", ["said"], {"year": 1})).request_id == identified(item).request_id


def test_formats_are_known_by_their_files(tmp_path: Path) -> None:
    assert format_of(tmp_path) is Format.FOLDER
    tar(tmp_path / "t.tgz", ("a.txt", b"one"))
    assert format_of(tmp_path) is format_of(tmp_path / "t.tgz") is Format.WEBDATASET
    rows(tmp_path / "below", {"id": "a"})
    assert format_of(tmp_path) is Format.PARQUET
    assert list(source_files(tmp_path, Format.PARQUET)) == ["below/a.parquet"]
    with pytest.raises(FileNotFoundError):
        format_of(tmp_path / "nowhere")


def test_a_folder_is_stored_as_scenograph_ingest_does(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.jpg", "sub/b.PNG", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    captions = tmp_path / "captions.jsonl"
    captions.write_text(
        '{"image": "sub/b.PNG", "captions": ["said"], "split": "test", "metadata": {"n": 1}}\n'
    )
    for given, split in ((None, ""), (captions, ""), (captions, "test")):
        bulk = read(_shards(tmp_path, Format.FOLDER, given, split, ("id", "image", "")))
        assert bulk == list(_read(find_photos([tmp_path], given, split))) and bulk
