"""Training of the region heads on made-up photographs whose regions show what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from scenograph.methods.catalogue import get_method
from scenograph.methods.recipe import Optimizer, Train
from scenograph.train.calibration import fit_calibration
from scenograph.train.default_regions import DefaultAttributes, DefaultRelations, HeadTask
from scenograph.train.region_data import PairLabels, RegionLabels, SeenPhotos
from scenograph.train.trainer import History, Trainer
from scenograph.train.units import UnitView

PHOTOS, REGIONS, CELLS, CHANNELS, WORDS = 60, 3, 16, 8, 4


@pytest.fixture(scope="module")
def seen() -> SeenPhotos:
    rng = np.random.default_rng(0)
    shape = (PHOTOS, REGIONS + CELLS, CHANNELS)
    view = UnitView(
        rng.standard_normal(shape).astype(np.float32), rng.standard_normal(shape).astype(np.float32),
        rng.random((PHOTOS, REGIONS, 80)).astype(np.float32), _boxes(rng), np.full(PHOTOS, REGIONS),
        np.zeros((PHOTOS, 8)), np.zeros((PHOTOS, 8)),
    )  # fmt: skip
    whole = rng.standard_normal((2, PHOTOS, CHANNELS)).astype(np.float32)
    return SeenPhotos(view, whole[0], whole[1])


def _boxes(rng: np.random.Generator) -> np.ndarray:
    low = rng.random((PHOTOS, REGIONS + CELLS, 2)) * 0.6
    return np.concatenate([low, low + 0.2 + 0.2 * rng.random(low.shape)], axis=2).astype(np.float32)


def _attributes(seen: SeenPhotos, averaging: float = 0.8) -> DefaultAttributes:
    photos, regions = (axis.ravel() for axis in np.mgrid[:PHOTOS, :REGIONS])
    targets = (seen.view.backbone[photos, regions, :WORDS] > 0.5).astype(np.float32)
    labels = RegionLabels(photos, regions, targets, np.ones_like(targets))
    rows = np.arange(len(photos))
    torch.manual_seed(0)
    return DefaultAttributes(
        seen, labels, rows[:120], rows[120:], width=16, dropout=0.0, feature_dropout=0.0, averaging=averaging
    )


def _relations(seen: SeenPhotos) -> DefaultRelations:
    photos, pairs = (axis.ravel() for axis in np.mgrid[:PHOTOS, :2])
    subjects, objects = pairs, 1 - pairs
    feature = seen.view.detector[..., 0]
    targets = (feature[photos, subjects] > feature[photos, objects]).astype(np.float32)[:, None]
    labels = PairLabels(photos, subjects, objects, targets)
    rows = np.arange(len(photos))
    torch.manual_seed(0)
    return DefaultRelations(
        seen, labels, rows[:90], rows[90:], width=16, dropout=0.0, feature_dropout=0.0, averaging=0.8
    )


def _fit(task: HeadTask, out: Path | None = None, epochs: int = 12, *, resume: bool = False) -> History:
    train = Train(epochs=epochs, batch=16, metric="map", patience=100)
    return Trainer(task, optimizer=Optimizer(lr=1e-2), train=train, out=out).fit(resume=resume)


@pytest.mark.parametrize("make", [_attributes, _relations])
def test_it_learns_what_is_said(seen: SeenPhotos, make: Callable[[SeenPhotos], HeadTask]) -> None:
    task = make(seen)
    history = _fit(task)
    assert history[-1]["said"] < history[0]["said"]
    assert max(row["map"] for row in history) > history[0]["prior"] + 25


def test_what_nobody_knows_teaches_nothing(seen: SeenPhotos) -> None:
    task = _attributes(seen)
    task.weights[:, 1] = 0
    batch = task.batch(np.arange(8), np.random.default_rng(0))
    batch["targets"][:, 1] = 1 - batch["targets"][:, 1]
    before = float(task.losses(batch)["said"].detach())
    batch["targets"][:, 1] = 0.5
    assert float(task.losses(batch)["said"].detach()) == before


def test_resumed_training_is_the_same(seen: SeenPhotos, tmp_path: Path) -> None:
    whole = _attributes(seen)
    _fit(whole, epochs=3)
    _fit(_attributes(seen), tmp_path, epochs=3)
    again = _attributes(seen)
    _fit(again, tmp_path, epochs=3, resume=True)
    rows = np.arange(10)
    np.testing.assert_array_equal(again.scores(rows), whole.scores(rows))


def test_probabilities_are_calibrated_on_held_out_rows(seen: SeenPhotos) -> None:
    task = _attributes(seen)
    _fit(task, epochs=4)
    task.calibrate()
    rows = task.held_out
    told = task.scores(rows, calibrated=True)
    assert told.mean(axis=0) == pytest.approx(task.targets[rows].mean(axis=0), abs=0.02)


def test_calibration_finds_slope_and_offset() -> None:
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((20_000, 2))
    chance = 1 / (1 + np.exp(-(0.5 * scores - 1)))
    targets = (rng.random(scores.shape) < chance).astype(np.float64)
    weights = np.ones_like(scores)
    weights[:, 1] = 0
    slope, offset = fit_calibration(scores, targets, weights)
    assert (slope[0], offset[0]) == pytest.approx((0.5, -1), abs=0.06)
    assert (slope[1], offset[1]) == (1, 0)


@pytest.mark.parametrize("method", ["default-attributes", "default-relations"])
def test_the_recipes_name_their_tasks(method: str) -> None:
    recipe = get_method(method)
    assert recipe.task is not None
    assert recipe.task.name == method.replace("-", "_") + ".v1"
    assert recipe.train.metric == "map"
