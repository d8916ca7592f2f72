"""`scenograph evaluate detector` on a folder in YOLO's layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.support import sample_photo

from scenograph.cli.app import run
from scenograph.cli.detection import true_boxes
from scenograph.packs import Pack
from scenograph.scene.errors import InvalidInput


def test_yolo_lines_become_corners(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("3 0.5 0.5 0.2 0.4\n\n0 0.25 0.5 0.5 1\n")
    boxes = true_boxes(file, 80)
    np.testing.assert_allclose(boxes.corners, [[0.4, 0.3, 0.6, 0.7], [0, 0, 0.5, 1]])
    assert boxes.classes.tolist() == [3, 0]
    file.write_text("")
    assert len(true_boxes(file, 80).classes) == 0


@pytest.mark.parametrize("line", ["3 0.5 0.5 0.2", "cat 0.5 0.5 0.2 0.4", "80 0.5 0.5 0.2 0.4"])
def test_other_lines_are_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text(line)
    with pytest.raises(InvalidInput, match=r"a\.txt"):
        true_boxes(file, 80)


@pytest.mark.pack
def test_a_found_motorcycle_counts(
    default_pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "images" / "made").mkdir(parents=True)
    (tmp_path / "labels" / "made").mkdir(parents=True)
    shutil.copy(sample_photo("motorcycle_left.png"), tmp_path / "images" / "made" / "one.png")
    (tmp_path / "labels" / "made" / "one.txt").write_text("3 0.5 0.5 0.8 0.8\n14 0.1 0.1 0.05 0.05\n")
    with pytest.raises(SystemExit, match="0"):
        run(["evaluate", "detector", "--data", str(tmp_path), "--json", "--report", str(tmp_path / "out")])
    total, classes = json.loads(capsys.readouterr().out)["sections"][0]["blocks"]
    assert {row[0]: row[2] for row in classes["rows"]} == {"motorcycle": 100.0, "bird": 0.0}
    assert total["rows"][0][:3] == [1, 2, 50.0]
    with pytest.raises(SystemExit, match="1"):
        run(["evaluate", "detector", "--data", str(tmp_path / "out")])
    assert "no photographs" in capsys.readouterr().err
