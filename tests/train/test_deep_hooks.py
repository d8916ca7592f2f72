"""What single deep methods keep and compute beside their losses; every deep recipe learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.support import data_folder

from scenograph.components import Sizes
from scenograph.data import load_features
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.catalogue import get_method, list_methods
from scenograph.metrics.benchmark import score_codes, score_vectors
from scenograph.train.hooks.affinity import JointAffinity, WeightedAffinity
from scenograph.train.hooks.bank import CodeBank, MemoryBank
from scenograph.train.pairs import PairTask
from scenograph.train.run import train_method

DEEP = [one.key for one in list_methods() if one.family in {"deep", "deep-alternating"} and one.nets]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def made(pairs: int = 240) -> FeatureSplit:
    """Noisy views of one of four class centres each."""
    generator = np.random.default_rng(0)
    classes = generator.integers(0, 4, pairs)
    views = [
        generator.normal(size=(4, width))[classes] * 2 + generator.normal(size=(pairs, width))
        for width in (12, 8)
    ]
    ids = tuple(map(str, range(pairs)))
    labels = np.eye(4, dtype=bool)[classes]
    return FeatureSplit(ids, views[0].astype(np.float32), np.abs(views[1]).astype(np.float32), labels)


def test_joint_affinity_mixes_both_modalities_and_their_neighbourhoods() -> None:
    image, text = torch.randn(5, 6), torch.randn(5, 3)
    hook = JointAffinity(image_share=0.3, high_order=0.4)
    found = hook.values({"image_features": image, "text_features": text})["affinity"].numpy()
    a, b = (one.numpy() / np.linalg.norm(one.numpy(), axis=1, keepdims=True) for one in (image, text))
    mixed = 0.3 * a @ a.T + 0.7 * b @ b.T
    expected = np.empty((5, 5))
    for i in range(5):
        for j in range(5):
            expected[i, j] = 0.6 * mixed[i, j] + 0.4 * sum(mixed[i, k] * mixed[j, k] for k in range(5)) / 5
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_weighted_affinity_moves_only_confident_pairs_and_outwards() -> None:
    values = {"image_features": torch.randn(20, 6), "text_features": torch.randn(20, 6)}
    plain = WeightedAffinity(push=0.0).values(values)["affinity"]
    pushed = WeightedAffinity(push=0.5).values(values)["affinity"]
    moved = pushed != plain
    low, high = plain.mean() - 0.5 * plain.std(), plain.mean() + 0.5 * plain.std()
    assert 0 < int(moved.sum()) < moved.numel()
    assert bool(((plain < low) | (plain > high))[moved].all())
    assert bool((pushed.abs() >= plain.abs())[moved].all())


def test_code_bank_renews_codes_after_an_epoch_only() -> None:
    task = PairTask(get_method("dcmh", {"head.dimension": 8}), made())
    (hook,) = task.hooks
    assert isinstance(hook, CodeBank)
    hook.start(task)
    before = hook.codes()[0].clone()
    rows = np.arange(10)
    task.losses(task.batch(rows, np.random.default_rng(0)))
    hook.banks[:] = -3.0
    hook.step_end(task)
    assert torch.equal(hook.banks[0, :10], task.values["image"])
    assert torch.equal(hook.codes()[0], before)
    hook.epoch_end(task, 0, 2)
    assert torch.equal(hook.codes()[0][10:], torch.full((230, 8), -1.0))
    again = CodeBank(Sizes(12, 8, 8, 4, 240))
    again.load_state_dict(hook.state_dict())
    assert torch.equal(again.codes()[1], hook.codes()[1])


def test_memory_bank_follows_the_mean_of_both_sides() -> None:
    task = PairTask(get_method("ucch", {"head.dimension": 8}), made())
    (hook,) = task.hooks
    assert isinstance(hook, MemoryBank)
    before = hook.average.clone()
    task.losses(task.batch(np.array([3, 7]), np.random.default_rng(0)))
    hook.step_end(task)
    both = (task.values["image"] + task.values["text"]) / 2
    torch.testing.assert_close(hook.average[[3, 7]], 0.4 * before[[3, 7]] + 0.6 * both)
    assert torch.equal(hook.average[0], before[0])
    keys = hook.values(task.values)["keys"]
    assert set(keys.flatten().tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize("key", DEEP)
def test_every_deep_recipe_learns_more_than_chance(key: str) -> None:
    recipe = get_method(key, {"train.epochs": 10, "train.batch": 60, "train.metric": ""})
    hashing = recipe.head.kind != "real"
    split = made()
    trained = train_method(recipe, split, bits=16 if hashing else None, seed=0)
    image, text = trained.projector.image(split.image), trained.projector.text(split.text)
    if hashing:
        found = score_codes(image > 0, text > 0, split.labels, split.labels).ranking.map_all
    else:
        found = score_vectors(image, text, split.labels, split.labels).map_all
    assert found > 0.4  # chance is a quarter


@pytest.mark.data
@pytest.mark.parametrize(("key", "least"), [("jdsh", 0.19), ("dcmh", 0.19)])
def test_deep_codes_on_wikipedia(key: str, least: float) -> None:
    dataset = load_features("wikipedia", data_folder("wikipedia"))
    train, test = dataset.features("train"), dataset.features("test")
    recipe = get_method(key, {"train.epochs": 5})
    trained = train_method(recipe, train, bits=32, seed=0)
    codes = trained.projector.image(test.image) > 0, trained.projector.text(test.text) > 0
    assert score_codes(*codes, test.labels, test.labels).ranking.map_all > least
