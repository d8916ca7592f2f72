"""`scenograph train` and `scenograph methods`: recipes with tasks, overrides, resuming, errors, facts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.support import ROOT

from scenograph.cli.app import run

COMPONENT = """
from pathlib import Path
from scenograph.components import sources, tasks
from tests.train.line import Line

@sources("test-line.v1")
def line_source(data: Path, recipe: object) -> tuple[int]:
    return (int((data / "rows.txt").read_text()),)

@tasks("test-line.v1")
def line(rows: int, /, *, noise: float = 0.0) -> Line:
    return Line(rows, noise=noise, dropout=0.0)
"""
RECIPE = """
key = "line"
title = "A line through points"
family = "default"
components = ["line_task.py"]
[task]
name = "test-line.v1"
noise = 0.1
[train]
epochs = 2
batch = 8
metric = "fit"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "line_task.py").write_text(COMPONENT)
    (tmp_path / "line.toml").write_text(RECIPE)
    (tmp_path / "rows.txt").write_text("32")
    other = COMPONENT.replace('@sources("test-line.v1")\n', "").replace("test-line.v1", "test-other.v1")
    (tmp_path / "other_task.py").write_text(other)
    own = RECIPE.replace("test-line.v1", "test-other.v1").replace("line_task", "other_task")
    (tmp_path / "other.toml").write_text(own.replace('key = "line"', 'key = "other"'))
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    return tmp_path


def command(*arguments: str) -> int:
    try:
        run(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_task_is_trained_from_its_source(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("train", "line.toml", "--data", ".", "--set", "train.seed=3", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == ["runs/line/model.safetensors"]
    assert told["values"].keys() == {"epoch", "loss", "square", "smooth", "fit"}
    assert json.loads((folder / "runs/line/recipe.json").read_text())["train"]["seed"] == 3
    weights = load_file(folder / "runs/line/model.safetensors")
    assert weights["0.weight"].shape == (16, 4)
    assert command("train", "line.toml", "--data", ".", "--set", "train.seed=3", "--resume") == 0
    again = load_file(folder / "runs/line/model.safetensors")
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert command("train", "line.toml", "--data", ".", "--set", "train.seed=4", "--resume") == 1
    assert "belongs to a training with other settings" in capsys.readouterr().err


def test_two_processes_train_a_recipe(folder: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "-m"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    found = subprocess.run(
        [*launch, "scenograph.cli", "train", "line.toml", "--data", "."],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.count("wrote runs/line/model.safetensors") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "lina.toml"], "there is no recipe lina.toml"),
        (["train", "ccaa"], 'method "ccaa" is not known; did you mean'),
        (
            ["train", "line.toml", "--set", "task.noise=loud"],
            "[task]: noise = 'loud': Expected float",
        ),
        (["train", "cca", "--data", "nowhere"], "nowhere is no folder"),
        (["train", "other.toml"], 'task "test-other.v1" has no source'),
        (["train", "cca", "--set", "head.dimension=0"], "[head] dimension: Expected int >= 1"),
        (["methods", "show", "ccaa"], 'method "ccaa" is not known; did you mean'),
        (["methods", "list", "--family", "depe"], "no family 'depe'; there are: closed-form, alternating"),
    ],
)
def test_errors_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert command(*arguments) == 1
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_a_mistake_leaves_an_earlier_run_alone(folder: Path) -> None:
    earlier = folder / "run" / "recipe.json"
    earlier.parent.mkdir()
    earlier.write_text("{}")
    assert command("train", "cca", "--data", "nowhere", "--out", "run") == 1
    assert command("train", "other.toml", "--out", "run") == 1
    assert earlier.read_text() == "{}"


def test_terms_are_shown_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("methods", "show", "cmfh") == 0
    shown = capsys.readouterr().out
    for number in range(5):
        assert f"terms.{number}" in shown
    assert "5, below" in shown and "project.v1" in shown and "100.0" in shown


def test_methods_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("methods", "list", "--family", "closed-form", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"cca", "pls"} <= {one["key"] for one in listed}
    assert {one["family"] for one in listed} == {"closed-form"}
    assert command("methods", "show", "uwml") == 0
    shown = capsys.readouterr().out
    for text in ("Wei, Xu", "[nets.image]", "mlp.v1", "hidden: tuple[int, ...]", "[[loss]] 1", "batch = 256"):
        assert text in shown
    assert command("methods", "show", "uwml", "--json") == 0
    assert json.loads(capsys.readouterr().out)["loss"][0] == {
        "name": "polynomial.v1",
        "weight": 1.0,
        "margin": 0.2,
    }
