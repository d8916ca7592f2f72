"""Which photos a command means, and what is sent of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenograph.cli.captions import read_captions
from scenograph.cli.ingest import _read, find_photos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("a.jpg", "sub/b.PNG", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    lines = [
        {"image": "a.jpg", "captions": ["a dog", "a brown dog"], "split": "dev"},
        {"image": "gone.jpg", "captions": ["a cat"], "split": "train", "metadata": {"year": 2024}},
    ]
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    return tmp_path


def test_folders_are_walked(folder: Path) -> None:
    photos = find_photos([folder], None)
    assert [(photo.name, photo.captions) for photo in photos] == [("a.jpg", ()), ("sub/b.PNG", ())]
    assert [photo.name for photo in find_photos([folder / "a.jpg"], None)] == ["a.jpg"]


def test_captions_join_photos_by_their_place(folder: Path) -> None:
    photos = find_photos([folder], folder / "captions.jsonl")
    assert [(photo.name, len(photo.captions)) for photo in photos] == [("a.jpg", 2), ("sub/b.PNG", 0)]


def test_captions_alone_name_the_photos(folder: Path) -> None:
    assert [p.name for p in find_photos([], folder / "captions.jsonl")] == ["a.jpg", "gone.jpg"]
    assert [p.name for p in find_photos([], folder / "captions.jsonl", "dev")] == ["a.jpg"]


def test_a_path_that_is_not_there(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        find_photos([folder / "none"], None)


@pytest.mark.parametrize(
    ("line", "message"),
    [("{", "line 2: Expecting"), ('{"captions": []}', "no 'image'"), ('{"image": 3}', "must be a string")],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "captions.jsonl"
    file.write_text('{"image": "a.jpg"}\n' + line)
    with pytest.raises(ValueError, match=message):
        list(read_captions(file))


def test_request_ids_follow_the_content(folder: Path) -> None:
    photos = find_photos([], folder / "captions.jsonl")
    first, missing = _read(photos)
    assert (first.id, first.image, first.texts) == ("a.jpg", b"a.jpg", ("a dog", "a brown dog"))
    assert first.metadata == {"path": str(folder / "a.jpg"), "split": "dev"}
    assert missing.image == folder / "gone.jpg" and not missing.request_id
    again = next(iter(_read(photos)))
    (folder / "a.jpg").write_bytes(b"changed")
    changed = next(iter(_read(photos)))
    assert again.request_id == first.request_id != changed.request_id
