"""docs/guides/add-a-method.md: its files are those of the catalogue, and its commands run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from tests.support import ROOT

from scenograph.cli.app import run

GUIDE = (ROOT / "docs" / "guides" / "add-a-method.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data in the layout of Wikipedia's, pairs of noisy views of the same ten numbers."""
    generator = np.random.default_rng(0)
    mix = generator.normal(size=(10, 128))
    target = tmp_path / "data" / "wikipedia"
    target.mkdir(parents=True)
    arrays = {}
    for suffix, split, pairs in (("tr", "train", 2173), ("te", "test", 693)):
        topics = generator.dirichlet(np.full(10, 0.3), pairs)
        arrays[f"T_{suffix}"] = topics
        arrays[f"I_{suffix}"] = topics @ mix + generator.normal(size=(pairs, 128))
        classes = topics.argmax(axis=1) + 1
        listed = "".join(f"text{split}{row}\timage{row}\t{one}\n" for row, one in enumerate(classes))
        (target / f"{split}set_txt_img_cat.list").write_text(listed)
    savemat(target / "raw_features.mat", arrays)
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    return tmp_path


def test_the_files_are_those_of_the_catalogue() -> None:
    learning = ROOT / "learning" / "scenograph"
    assert blocks("python") == [(learning / "losses" / "polynomial.py").read_text(encoding="utf-8")]
    assert blocks("toml")[0] == (learning / "methods" / "uwml.toml").read_text(encoding="utf-8")


def test_the_commands_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = blocks("toml")[1] + blocks("toml")[0].replace("polynomial.v1", "mine.v1")
    (folder / "my-method.toml").write_text(own.replace('key = "uwml"', 'key = "my-method"'))
    (folder / "polynomial.py").write_text(blocks("python")[0].replace("polynomial.v1", "mine.v1"))
    commands = "".join(blocks("sh")).splitlines()
    assert len(commands) == 7
    for command in commands:
        program, *arguments = command.split()
        assert program == "scenograph"
        try:
            run(arguments)
        except SystemExit as end:
            assert not end.code, (command, capsys.readouterr().err)
    printed = capsys.readouterr().out
    assert "positive: tuple[float, ...]" in printed
    assert "wrote runs/my-method/model.safetensors" in printed
    assert (folder / "runs" / "uwml" / "curves.csv").read_text().count("\n") == 3
    assert (folder / "reports" / "uwml" / "report.html").is_file()
