"""`scenograph evaluate compositional` and `scenograph datasets`: scoring, the report, a real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support import sample_photo

from scenograph.cli.app import run
from scenograph.cli.compositional import check_ways, score
from scenograph.cli.server_process import ServerProcess
from scenograph.data.compositional import Case, read_cases, write_cases

CASES = [
    Case("swap_object", "a", "a dog chases a cat", "a cat chases a dog"),
    Case("negate", "a", "a dog chases a cat", "a dog does not chase a cat"),
]


def test_each_stage_is_judged_by_its_own_score() -> None:
    found = {
        ("a", "a dog chases a cat"): {"coarse": 0.5, "float": 0.3, "graph": 0.6, "graph alone": 0.9},
        ("a", "a cat chases a dog"): {"coarse": 0.5, "float": 0.4, "graph": 0.5, "graph alone": 0.1},
        ("a", "a dog does not chase a cat"): {"coarse": 0.4, "float": 0.2, "graph": 0.7, "graph alone": 0.9},
    }
    rows = {row.stage: row.kinds for row in score("photo", CASES, found, ["coarse", "float", "graph"])}
    right = {stage: [(one.kind, one.right, one.ties) for one in kinds] for stage, kinds in rows.items()}
    assert right == {
        "coarse": [("swap_object", 0, 1), ("negate", 1, 0), ("all", 1, 1)],
        "float": [("swap_object", 0, 0), ("negate", 1, 0), ("all", 1, 0)],
        "graph": [("swap_object", 1, 0), ("negate", 0, 0), ("all", 1, 0)],
        "graph alone": [("swap_object", 1, 0), ("negate", 0, 1), ("all", 1, 1)],
    }


def test_levels_have_columns_of_their_own() -> None:
    levels = {"level object": 0.2, "level scene": 0.1, "float": 0.4}
    found = {
        ("a", "a dog chases a cat"): levels,
        ("a", "a cat chases a dog"): {**levels, "level object": 0.1},
        ("a", "a dog does not chase a cat"): {**levels, "level scene": 0.0},
    }
    rows = score("photo", CASES, found, ["float"])
    assert [(row.stage, row.kinds[-1].right) for row in rows] == [
        ("float", 0),
        ("level object", 1),
        ("level scene", 1),
    ]


def test_ways_are_checked() -> None:
    assert check_ways(["photo", "caption"]) == ["photo", "caption"]
    with pytest.raises(ValueError, match="--ask is one of caption, photo, not 'image'"):
        check_ways(["image"])


def test_one_source_of_cases(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["evaluate", "compositional"])
    assert "give one of --captions, --sugarcrepe and --cases" in capsys.readouterr().err


@pytest.mark.pack
def test_both_ways_through_a_server(
    server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = sample_photo("chelsea.png")
    pairs = [("a cat looking at the camera", "a bus looking at the camera"), ("a cat", "a pizza on a table")]
    write_cases(tmp_path / "cases.jsonl", [Case("replace_object", photo.name, *pair) for pair in pairs])
    arguments = ["--cases", str(tmp_path / "cases.jsonl"), "--images", str(photo.parent), "--json"]
    arguments += [
        "--server",
        server.address,
        "--collection",
        "compositional",
        "--ask",
        "photo",
        "--ask",
        "caption",
    ]
    with pytest.raises(SystemExit) as ended:
        run(
            [
                "evaluate",
                "compositional",
                *arguments,
                "--report",
                str(tmp_path),
                "--save",
                str(tmp_path / "kept"),
            ]
        )
    assert ended.value.code == 0
    value = json.loads(capsys.readouterr().out)
    tables = [section["blocks"][0] for section in value["sections"][:2]]
    assert [section["title"] for section in value["sections"]] == [
        "Each photo ranks its captions",
        "Each caption looks for its photo",
        "Examples",
    ]
    for table in tables:
        place = table["columns"].index("float")
        assert [(row[0], row[1], row[place]) for row in table["rows"]] == [
            ("replace_object", 2, 100.0),
            ("all", 2, 100.0),
        ]
    assert "a bus looking at the camera" in (tmp_path / "report.html").read_text()
    assert read_cases(tmp_path / "kept") == read_cases(tmp_path / "cases.jsonl")


def test_datasets_are_listed_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["datasets", "list", "--json"])
    names = [card["name"] for card in json.loads(capsys.readouterr().out)]
    assert {"flickr8k", "flickr30k", "mscoco", "wikipedia", "mirflickr25k", "nuswide_tc10"} <= set(names)
    (tmp_path / "captions.jsonl").write_text(
        '{"image": "a.jpg", "captions": ["a dog", "a cat"], "split": "dev"}\n'
    )
    with pytest.raises(SystemExit):
        run(["datasets", "show", "flickr8k", "--root", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "Hodosh" in shown and "dev: 1 photographs, 2 captions" in shown
    with pytest.raises(SystemExit):
        run(["datasets", "show", "flickr8"])
    assert "no dataset 'flickr8'; there are:" in capsys.readouterr().err
