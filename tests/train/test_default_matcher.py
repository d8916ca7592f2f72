"""The matcher's training task on made-up photos whose captions name what is in them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scenograph.losses.grid_contrast import grid_contrast
from scenograph.methods.catalogue import get_method
from scenograph.methods.recipe import Optimizer, Train
from scenograph.train.compression import Compression
from scenograph.train.default_matcher import DefaultMatcher, MatcherData
from scenograph.train.trainer import Trainer
from scenograph.train.units import PartStates, UnitView

PHOTOS, EACH, UNITS, REGIONS, CHANNELS = 24, 2, 5, 3, 12


def _parts(things: NDArray[np.int64], meanings: NDArray[np.float32]) -> PartStates:
    count = len(things)
    heads = np.zeros((count, 3, 384), np.float16)
    heads[:, :2] = meanings[things]
    ends = np.tile(np.array([[0, 1], [0, 0]], np.int8), (count, 1, 1))
    return PartStates(
        heads, np.zeros_like(heads), np.zeros((count, 2, 384), np.float16), ends,
        np.full(count, 2), np.ones(count, np.int64), meanings[things].mean(axis=1),
    )  # fmt: skip


@pytest.fixture(scope="module")
def data() -> MatcherData:
    rng = np.random.default_rng(0)
    meanings = rng.standard_normal((40, 384)).astype(np.float32)
    looks = rng.standard_normal((40, CHANNELS)).astype(np.float32) * 3
    things = np.stack([rng.choice(40, 2, replace=False) for _ in range(PHOTOS)])
    units = rng.standard_normal((PHOTOS, UNITS, CHANNELS)).astype(np.float32)
    units[:, :2] += looks[things]
    view = UnitView(
        units, units, rng.random((PHOTOS, REGIONS, 80)), rng.random((PHOTOS, UNITS, 4)),
        rng.integers(2, REGIONS + 1, PHOTOS), rng.random((PHOTOS, 2560)), rng.random((PHOTOS, 2560)),
    )  # fmt: skip
    said = np.repeat(things, EACH, axis=0)
    false = said[1::2].copy()
    false[:, 0] = (false[:, 0] + 1) % 40
    first = np.cumsum([0, *([0, 1] * PHOTOS)])
    return MatcherData([view, view], _parts(said, meanings), _parts(false, meanings), first, EACH)


def _task(data: MatcherData, held: int = 0) -> DefaultMatcher:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DefaultMatcher(
            data, np.arange(PHOTOS), np.arange(held), width=16, size=16, hidden=16, captions=2, averaging=0.8,
            bfloat16=False,
        )  # fmt: skip


def test_it_learns_who_is_said_to_be_where(data: MatcherData) -> None:
    task = _task(data, held=PHOTOS)
    history = Trainer(
        task, optimizer=Optimizer(lr=5e-3), train=Train(epochs=20, batch=8, validate_every=20)
    ).fit()
    assert history[-1]["loss"] < history[0]["loss"] * 0.7
    assert history[-1]["t2i_r1"] > 50 and history[-1]["preferred"] > 80


def test_an_epoch_has_every_photo_once_near_ones_together(data: MatcherData) -> None:
    task = _task(data)
    order = task.order(np.random.default_rng(0))
    assert sorted(order.tolist()) == list(range(PHOTOS))


def test_a_batch_pads_what_is_not_there(data: MatcherData) -> None:
    batch = _task(data).batch(np.array([3, 5]), np.random.default_rng(0))
    assert batch["said"]["heads"].shape == (4, 2, 384) and batch["said"]["subjects"].shape == (4, 1, 2)
    assert len(batch["caption"]) == len(batch["false"]["sentence"]) == 2
    regions = data.views[0].regions[[3, 5]]
    hidden = batch["seen"]["present"][:, :REGIONS].sum(dim=1).numpy()
    assert (hidden <= regions).all()


def test_grid_contrast_is_the_sum_of_both_cross_entropies() -> None:
    torch.manual_seed(0)
    scores, false, caption = torch.randn(6, 3), torch.randn(2), torch.tensor([1, 4])
    total = 0.0
    for row in range(6):
        total += float(torch.logsumexp(scores[row], 0) - scores[row, row // 2]) / 6
        photo = row // 2
        others = [scores[other, photo] for other in range(6) if other // 2 != photo]
        others += [false[place] for place in range(2) if caption[place] == row]
        everyone = torch.stack([scores[row, photo], *others])
        total += float(torch.logsumexp(everyone, 0) - scores[row, photo]) / 6
    assert float(grid_contrast(scores, caption, false)) == pytest.approx(total, rel=1e-5)


def test_a_compression_folds_into_the_layer_behind_it() -> None:
    rng = np.random.default_rng(0)
    features = (rng.standard_normal((50, 8)) @ rng.standard_normal((8, 8)) + 2).astype(np.float32)
    compression = Compression.fit(features, 3)
    small = compression.apply(features)
    assert small.mean() == pytest.approx(0, abs=1e-5) and (small**2).mean() == pytest.approx(1, rel=1e-4)
    layer = torch.nn.Linear(3, 4)
    with torch.no_grad():
        folded = compression.folded(layer)(torch.from_numpy(features))
        assert torch.allclose(folded, layer(torch.from_numpy(small)), atol=1e-4)


def test_the_recipe_names_the_task() -> None:
    recipe = get_method("default-matcher")
    assert recipe.task is not None and recipe.task.name == "default_matcher.v1"
