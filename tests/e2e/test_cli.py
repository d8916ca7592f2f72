"""The command line as a user works with it, against a real server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from scenograph.cli.app import run
from scenograph.client import Client
from scenograph.packs import Pack
from tests.e2e.conftest import Deployment
from tests.support import sample_photo


class Shell:
    """Runs commands against one server; `text` and `json` give what they print."""

    def __init__(self, address: str, captured: pytest.CaptureFixture[str]) -> None:
        self.address = address
        self.captured = captured
        self.code = 0

    def text(self, *arguments: str) -> str:
        self.code = 0
        try:
            run([*arguments, "--server", self.address])
        except SystemExit as end:
            self.code = int(end.code or 0)
        return self.captured.readouterr().out

    def json(self, *arguments: str) -> object:
        return json.loads(self.text(*arguments, "--json"))


@pytest.fixture
def shell(together: Deployment, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield Shell(together.gateway, capsys)
    with Client(together.gateway) as client:
        for collection in client.list_collections():
            if collection.name.startswith("cli-"):
                client.delete_collection(collection.name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs, one of them with sentences, and a file that is none."""
    for name in ("chelsea.png", "coffee.png"):
        shutil.copy(sample_photo(name), tmp_path / name)
    (tmp_path / "broken.jpg").write_bytes(b"not a photograph")
    lines = [
        {"image": "chelsea.png", "captions": ["a cat", "the face of a cat"], "split": "dev"},
        {"image": "coffee.png", "captions": ["a cup of coffee"], "split": "dev", "metadata": {"year": 2024}},
    ]
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path


def test_ingest_goes_on_where_it_stopped(shell: Shell, folder: Path) -> None:
    first = shell.json("ingest", "cli-photos", str(folder))
    assert shell.code == 1
    assert first == {
        "stored": 2,
        "known_already": 0,
        "failed": [
            {
                "id": "broken.jpg",
                "error": {"reason": "INVALID_IMAGE", "message": "not a JPEG, PNG or WebP image"},
            }
        ],
    }
    (folder / "broken.jpg").unlink()
    second = shell.json("ingest", "cli-photos", str(folder))
    assert shell.code == 0 and second == {"stored": 2, "known_already": 2, "failed": []}


def test_ingest_for_some_eyes_and_without_faces(shell: Shell, tmp_path: Path) -> None:
    """The same photo with other labels is another request, not a repetition."""
    shutil.copy(sample_photo("astronaut.png"), tmp_path / "astronaut.png")
    options = ("--access", "crew", "--access", "family", "--blur-faces")
    for arguments, known in (((), 0), (options, 0), (options, 1)):
        told = shell.json("ingest", "cli-labels", str(tmp_path / "astronaut.png"), *arguments)
        assert shell.code == 0 and told == {"stored": 1, "known_already": known, "failed": []}
    with Client(shell.address) as client:
        (page,) = client.list_items("cli-labels")
    assert [item.access_labels for item in page] == [("crew", "family")]


def test_ingest_captions_then_search(shell: Shell, folder: Path) -> None:
    assert "2 of 2 stored" in shell.text(
        "ingest", "cli-captions", "--captions", str(folder / "captions.jsonl")
    )
    found = shell.json("search", "cli-captions", "a cat", "--explain", "--limit", "1")
    assert isinstance(found, dict)
    (hit,) = found["hits"]
    assert hit["id"] == "chelsea.png" and hit["matches"][0]["query"] == "cat"
    assert found["next_page_token"]
    table = shell.text("search", "cli-captions", "a cat", "--explain")
    assert "cat = cat" in table and "chelsea.png" in table
    texts = shell.json("search", "cli-captions", "--image", str(folder / "coffee.png"), "--returning", "text")
    assert isinstance(texts, dict) and texts["hits"][0]["text"] == "a cup of coffee"
    filtered = shell.json("search", "cli-captions", "--graph", "(cup)", "--filter", "year >= 2020")
    assert isinstance(filtered, dict) and [hit["id"] for hit in filtered["hits"]] == ["coffee.png"]
    like = shell.json("search", "cli-captions", "--like", "coffee.png")
    assert isinstance(like, dict) and like["hits"]


def test_collections(shell: Shell) -> None:
    assert "made cli-new (64 bits" in shell.text("collections", "create", "cli-new", "--bits", "64")
    listed = shell.json("collections", "list")
    assert isinstance(listed, list) and "cli-new" in {collection["name"] for collection in listed}
    assert "cli-new" in shell.text("collections", "list")
    assert "removed" in shell.text("collections", "delete", "cli-new", "--yes")
    shell.text("collections", "delete", "cli-new", "--yes")
    assert shell.code == 1


def test_parse(shell: Shell) -> None:
    assert shell.text("parse", "a man riding a horse").strip() == "(man)-[riding]->(horse)"
    answer = shell.json("parse", "two dogs")
    assert isinstance(answer, list) and answer[0]["graph"]["nodes"][0]["count"] == 2


def test_describe_and_draw(shell: Shell, tmp_path: Path) -> None:
    photo, drawn = sample_photo("motorcycle_left.png"), tmp_path / "drawn.png"
    assert "motorcycle" in shell.text("describe", str(photo), "--draw", str(drawn))
    with Image.open(drawn) as picture:
        assert picture.width >= 741
    answer = shell.json("describe", str(photo))
    assert isinstance(answer, dict) and (answer["width"], answer["height"]) == (741, 500)


def test_evaluate(shell: Shell, folder: Path, tmp_path: Path) -> None:
    result = shell.json(
        "evaluate",
        "retrieval",
        "--captions",
        str(folder / "captions.jsonl"),
        "--split",
        "dev",
        "--collection",
        "cli-evaluation",
        "--ablations",
        "--report",
        str(tmp_path),
    )
    assert isinstance(result, dict) and (result["photos"], result["sentences"]) == (2, 3)
    rows = {(row["direction"], row["stage"]): row for row in result["rows"]}
    assert len(rows) == 2 * (10 - len(result["skipped"]))
    assert ("text to image", "graph score alone") in rows
    assert rows["text to image", "graph"]["recall_at_1"] == 1.0
    assert rows["image to text", "float"]["queries"] == 2
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") >= 4 and "graph score alone" in page and result["pack_version"] in page


def test_packs(shell: Shell, default_pack: Pack, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, expected in (
        (["pack", "list"], default_pack.version),
        (["pack", "verify", default_pack.id], "files are as the manifest says"),
        (["pack", "build", "--if-missing", "--json"], "default@"),
    ):
        with pytest.raises(SystemExit) as end:
            run(arguments)
        assert end.value.code == 0 and expected in capsys.readouterr().out


def test_the_demo(default_pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run(["demo", "--draw", str(tmp_path / "demo.png")])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert "13 photographs stored" in printed and "server stopped" in printed
    assert "motorcycle_left" in printed and "chelsea" in printed
    assert (tmp_path / "demo.png").stat().st_size > 10_000
