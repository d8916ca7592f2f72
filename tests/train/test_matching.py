"""The task of the fine-grained matchers, and what every one of them must do, on made photos."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.train.made_matching import made
from torch import Tensor

from scenograph.losses.score_contrast import ScoreContrast
from scenograph.losses.score_triplet import ScoreTriplet
from scenograph.losses.triplet import Triplet
from scenograph.methods.catalogue import get_method, list_methods
from scenograph.methods.recipe import Recipe
from scenograph.nn.matchers.matcher import Said, Seen
from scenograph.nn.matchers.meeting import attended_cosines, best_cosines
from scenograph.scene.errors import InvalidInput
from scenograph.train.matching import Matching
from scenograph.train.trainer import Trainer

KEYS = [recipe.key for recipe in list_methods() if recipe.family == "fine-grained"]
PHOTOS = 8


def _recipe(key: str) -> Recipe:
    return get_method(
        key,
        {
            "head.dimension": 32,
            "train.batch": PHOTOS,
            "train.epochs": 60,
            "train.validate_every": 60,
            "optimizer.lr": 0.005,
        },
    )


def _task(key: str, **parameters: int) -> Matching:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        rows = np.arange(PHOTOS)
        return Matching(_recipe(key), made(PHOTOS), rows, rows, **parameters)


def _inputs(task: Matching) -> tuple[Seen, Said]:
    task.module.eval()
    return task.seen(np.arange(6), np.zeros(6, np.int64)), task.said(np.array([0, 3, 4, 9]))


@pytest.mark.parametrize("key", KEYS)
def test_it_learns_every_pair(key: str) -> None:
    task = _task(key)
    history = Trainer(
        task, optimizer=task.recipe.optimizer, schedule=task.recipe.schedule, train=task.recipe.train
    ).fit()
    assert history[-1]["t2i_r1"] == history[-1]["i2t_r1"] == 100
    assert history[-1]["recalls"] == 600


@pytest.mark.parametrize("key", KEYS)
def test_scores_of_all_pairs_whatever_the_order_of_regions(key: str) -> None:
    task = _task(key)
    seen, said = _inputs(task)
    scores = task.matcher(seen, said)["scores"]
    assert scores.shape == (6, 4) and scores.isfinite().all()
    order = torch.tensor([3, 0, 4, 2, 1])
    moved = task.matcher(Seen(*(values[:, order] for values in seen)), said)["scores"]
    torch.testing.assert_close(moved, scores, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("key", KEYS)
def test_padding_says_nothing(key: str) -> None:
    task = _task(key)
    seen, said = _inputs(task)
    assert not seen.present.all()
    scores = task.matcher(seen, said)["scores"]
    other = seen._replace(
        features=torch.where(seen.present[..., None], seen.features, 7.0),
        boxes=torch.where(seen.present[..., None], seen.boxes, 0.5),
    )
    more = Said(*(_longer(name, values) for name, values in said._asdict().items()))
    torch.testing.assert_close(task.matcher(other, more)["scores"], scores, atol=1e-5, rtol=1e-4)


def _longer(name: str, values: Tensor) -> Tensor:
    """One more object, relation and word that are not there, of any content."""
    extra = torch.zeros if values.dtype == torch.bool else torch.ones
    if name in ("subjects", "objects"):
        values = torch.cat([values, torch.zeros_like(values[:, :, :1])], dim=2)
        return torch.cat([values, torch.zeros_like(values[:, :1])], dim=1)
    return torch.cat([values, extra(values[:, :1].shape, dtype=values.dtype)], dim=1)


@pytest.mark.parametrize("key", KEYS)
def test_every_parameter_has_a_gradient(key: str) -> None:
    task = _task(key)
    batch = task.batch(np.arange(PHOTOS), np.random.default_rng(0))
    torch.stack(list(task.losses(batch).values())).sum().backward()  # type: ignore[no-untyped-call]
    still = [name for name, one in task.module.named_parameters() if one.requires_grad and one.grad is None]
    assert not still
    assert any(float(one.grad.abs().sum()) > 0 for one in task.matcher.parameters() if one.grad is not None)


@pytest.mark.parametrize("key", KEYS)
def test_blocks_are_the_whole(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = _task(key)
    whole = task.scores(np.arange(PHOTOS))
    monkeypatch.setattr("scenograph.train.matching.IMAGES", 3)
    monkeypatch.setattr("scenograph.train.matching.TEXTS", 5)
    np.testing.assert_allclose(task.scores(np.arange(PHOTOS)), whole, atol=1e-5)


def test_pooled_scores_are_the_plain_loops() -> None:
    torch.manual_seed(0)
    visual, text = torch.randn(3, 4, 5), torch.randn(2, 3, 5)
    present = torch.tensor([[1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 1, 1]]) > 0
    told = torch.tensor([[1, 1, 0], [0, 0, 0]]) > 0
    mean, total = (best_cosines(visual, present, text, told, mean=mean) for mean in (True, False))
    attended = attended_cosines(visual, present, text, 4.0)
    for image in range(3):
        there = [unit for unit in range(4) if present[image, unit]]
        best = [
            max(float(torch.cosine_similarity(visual[image, unit], text[0, node], dim=0)) for unit in there)
            for node in range(2)
        ]
        assert float(mean[image, 0]) == pytest.approx(sum(best) / 2, abs=1e-5)
        assert float(total[image, 0]) == pytest.approx(sum(best), abs=1e-5)
        assert mean[image, 1] == total[image, 1] == 0
        units = torch.nn.functional.normalize(visual[image, there], dim=1)
        for node in range(3):
            cosines = units @ torch.nn.functional.normalize(text[0, node], dim=0)
            context = (torch.softmax(4 * cosines, dim=0)[:, None] * units).sum(dim=0)
            expected = float(torch.cosine_similarity(context, text[0, node], dim=0))
            assert float(attended[image, 0, node]) == pytest.approx(expected, abs=1e-4)


def test_losses_of_scores_are_those_of_vectors() -> None:
    torch.manual_seed(0)
    image, text = (torch.nn.functional.normalize(torch.randn(6, 4), dim=1) for _ in range(2))
    scores = image @ text.T
    assert torch.allclose(ScoreTriplet(negatives="all")(scores), Triplet(negatives="all")(image, text))
    expected = 0.0
    for row in range(6):
        rest = [other for other in range(6) if other != row]
        worst = max(max(float(scores[row, other]) for other in rest) - float(scores[row, row]) + 0.2, 0)
        worst += max(max(float(scores[other, row]) for other in rest) - float(scores[row, row]) + 0.2, 0)
        expected += worst / 6
    assert float(ScoreTriplet()(scores)) == pytest.approx(expected, rel=1e-5)
    both = 0.0
    for grid in (scores / 0.5, scores.T / 0.5):
        both += float((grid.logsumexp(dim=1) - grid.diagonal()).mean()) / 2
    assert float(ScoreContrast(temperature=0.5)(scores)) == pytest.approx(both, rel=1e-5)


def test_a_loss_of_scores_that_are_not_there_is_refused() -> None:
    recipe = get_method("teran", {"loss.0.on": "nodes", "head.dimension": 16})
    rows = np.arange(4)
    task = Matching(recipe, made(4), rows, rows)
    with pytest.raises(InvalidInput, match=r"reads 'nodes', which the matcher does not give; known: scores"):
        task.losses(task.batch(rows, np.random.default_rng(0)))


def test_sentences_are_cut_and_validation_may_be_short() -> None:
    task = _task("sgm", validated=3, max_words=1)
    assert len(task.held_out) == 3
    assert task.said(np.arange(2)).words.shape == (2, 1, 8)
