"""The trainer: the same seed gives the same weights, killed and resumed or not, on one process or two."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.support import ROOT
from tests.train.line import Line
from torch import Tensor

from scenograph.methods.recipe import Optimizer, Schedule, Train
from scenograph.scene.errors import DataLoss, FailedPrecondition
from scenograph.train import checkpoint
from scenograph.train.optimisation import rate
from scenograph.train.trainer import Trainer

CHILD = [sys.executable, "-m", "tests.train.line"]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def weights(task: Line) -> list[Tensor]:
    return [value.clone() for value in task.module.state_dict().values()]


def fitted(seed: int, *, out: Path | None = None, epochs: int = 3, metric: str = "") -> Line:
    task = Line()
    Trainer(task, train=Train(epochs=epochs, batch=8, seed=seed, metric=metric), out=out).fit()
    return task


def test_training_lowers_the_loss_and_reports_every_epoch() -> None:
    seen: list[tuple[int, int]] = []
    history = Trainer(
        Line(),
        train=Train(epochs=10, batch=8),
        optimizer=Optimizer(lr=0.02),
        progress=lambda what, done, total: seen.append((done, total)),
    ).fit()
    assert [row["epoch"] for row in history] == list(range(1, 11))
    assert history[-1]["square"] < 0.2 * history[0]["square"]
    assert history[0]["loss"] == pytest.approx(history[0]["square"] + history[0]["smooth"])
    assert seen == [(step, 80) for step in range(1, 81)]


def test_a_seed_gives_the_same_weights_and_another_does_not() -> None:
    state = torch.random.get_rng_state()
    one, again, other = weights(fitted(1)), weights(fitted(1)), weights(fitted(2))
    assert all(map(torch.equal, one, again))
    assert not all(map(torch.equal, one, other))
    fitted_state = torch.random.get_rng_state()
    torch.random.set_rng_state(state)
    Line()
    assert torch.equal(torch.random.get_rng_state(), fitted_state)  # training left the generator alone


def test_killed_and_resumed_equals_unbroken(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    unbroken = subprocess.Popen([*CHILD, str(whole)], cwd=ROOT)
    process = subprocess.Popen(
        [*CHILD, str(broken), "stop"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
    state = checkpoint.load(broken, torch.load(broken / checkpoint.FILE)["fingerprint"])
    assert state is not None
    assert (state[0].epoch, state[0].step) == (2, 2)  # in the midst of the third epoch
    subprocess.run([*CHILD, str(broken)], cwd=ROOT, check=True)
    assert unbroken.wait() == 0
    expected, found = (torch.load(folder / "result.pt") for folder in (whole, broken))
    assert expected[2] == found[2]
    for part in (0, 1):
        assert all(torch.equal(expected[part][name], found[part][name]) for name in expected[part])


def test_two_processes_agree_with_one(tmp_path: Path) -> None:
    module = ["-m", "tests.train.contrast", str(tmp_path)]
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    with subprocess.Popen([sys.executable, *module, "one"], cwd=ROOT, env=environment()) as one:
        subprocess.run([*launch, *module, "two"], cwd=ROOT, env=environment(), check=True)
    assert one.returncode == 0
    (history, single), (first, left), (second, right) = (
        torch.load(tmp_path / name / "result.pt") for name in ("one", "two0", "two1")
    )
    assert first == second
    assert all(torch.equal(left[name], right[name]) for name in left)
    for name in single:
        torch.testing.assert_close(left[name], single[name], rtol=1e-4, atol=1e-5)
    for two, alone in zip(first, history, strict=True):
        assert two == pytest.approx(alone, rel=1e-5)
    assert history[-1]["loss"] < history[0]["loss"]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def test_early_stopping_keeps_the_best_weights() -> None:
    task = Line()
    scores = iter([0.1, 0.5, 0.4, 0.3, 0.9])
    kept: list[list[Tensor]] = []

    def validate() -> dict[str, float]:
        kept.append(weights(task))
        return {"score": next(scores)}

    task.validate = validate  # type: ignore[method-assign]
    history = Trainer(task, train=Train(epochs=5, batch=8, metric="score", patience=2)).fit()
    assert [row["score"] for row in history] == [0.1, 0.5, 0.4, 0.3]
    assert all(map(torch.equal, weights(task), kept[1]))
    assert not task.module.training


def test_an_unmeasured_metric_is_named() -> None:
    with pytest.raises(FailedPrecondition, match=r'metric "map" is not measured; known: fit'):
        fitted(0, metric="map")


def test_curves_are_written(tmp_path: Path) -> None:
    fitted(0, out=tmp_path)
    with (tmp_path / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1.0", "2.0", "3.0"]
    assert set(rows[0]) == {"epoch", "loss", "square", "smooth", "fit"}
    assert list((tmp_path / "events").glob("events*"))


def test_a_foreign_or_broken_checkpoint_is_refused(tmp_path: Path) -> None:
    fitted(0, out=tmp_path)
    other = Trainer(Line(), train=Train(epochs=3, batch=4), out=tmp_path)
    with pytest.raises(FailedPrecondition, match="other settings or data"):
        other.fit(resume=True)
    (tmp_path / checkpoint.FILE).write_bytes(b"cut off")
    with pytest.raises(DataLoss, match="not a readable checkpoint"):
        Trainer(Line(), train=Train(epochs=3, batch=8), out=tmp_path).fit(resume=True)


def test_a_loss_that_is_no_number_stops_the_training() -> None:
    with pytest.raises(FailedPrecondition, match="lower learning rate"):
        Trainer(Line(), train=Train(batch=8), optimizer=Optimizer(name="sgd", lr=1e8)).fit()


def test_the_rate_rises_and_falls() -> None:
    rates = [rate(Schedule(warmup=0.2, floor=0.1), step, 10) for step in range(10)]
    assert rates[:2] == [0.5, 1.0]
    assert rates[2] == 1.0
    assert rates[6] == pytest.approx(0.1 + 0.9 * 0.5)
    assert sorted(rates[2:], reverse=True) == rates[2:]
    assert [rate(Schedule(name="constant", warmup=0), step, 4) for step in range(4)] == [1, 1, 1, 1]
