"""Recipes of deep methods, trained on made pairs: towers, heads, losses, hooks, early stopping, codes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor

from scenograph.components import Sizes
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.catalogue import load_recipe
from scenograph.methods.recipe import Head, Recipe
from scenograph.scene.errors import InvalidInput
from scenograph.train.head import CommonHead
from scenograph.train.hook import Hook
from scenograph.train.pairs import PairTask
from scenograph.train.projector import DeepProjector
from scenograph.train.run import train_method
from scenograph.train.scaling import Scale
from scenograph.train.scores import score_pairs
from scenograph.train.task import Task
from scenograph.train.trainer import Trainer

RECIPE = """
key = "made"
title = "Two nets and a contrast"
family = "deep"

[data]
image_scale = "standard"
text_scale = "unit"

[nets]
image = { name = "mlp.v1", hidden = [32] }
text = { name = "mlp.v1", hidden = [], bias = false }

[head]
dimension = 8

[[loss]]
name = "infonce.v1"

[optimizer]
lr = 0.01

[train]
epochs = 8
batch = 50
"""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def made(pairs: int = 200, seed: int = 0) -> FeatureSplit:
    """Pairs of noisy views of the same four hidden numbers, the larger of the first two being the class."""
    mix = np.random.default_rng(7).normal(size=(2, 4, 10))
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(pairs, 4))
    views = [hidden @ mix[side] + 0.1 * generator.normal(size=(pairs, 10)) for side in (0, 1)]
    image, text = 5 + 3 * views[0], views[1][:, :6]
    labels = np.eye(2, dtype=bool)[hidden[:, :2].argmax(axis=1)]
    ids = tuple(str(pair) for pair in range(pairs))
    return FeatureSplit(ids, image.astype(np.float32), text.astype(np.float32), labels)


def recipe(folder: Path, text: str = RECIPE, **overrides: Any) -> Recipe:
    (folder / "made.toml").write_text(text)
    return load_recipe(
        folder / "made.toml", {name.replace("__", "."): one for name, one in overrides.items()}
    )


def test_a_recipe_learns_to_find_pairs(tmp_path: Path) -> None:
    trained = train_method(recipe(tmp_path), made(), seed=1)
    held_out = made(100, seed=1)
    image, text = trained.projector.image(held_out.image), trained.projector.text(held_out.text)
    assert image.dtype == text.dtype == np.float32
    assert image.shape == text.shape == (100, 8)
    assert score_pairs(image, text, held_out.labels, binary=False)["recall@5"] > 0.7
    assert trained.image_codes is None


def test_the_seed_decides(tmp_path: Path) -> None:
    one, again, other = (
        train_method(recipe(tmp_path, train__epochs=1), made(), seed=seed).projector.image(made().image)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again)
    assert not np.allclose(one, other)


def test_sizes_come_from_the_call(tmp_path: Path) -> None:
    real, codes = recipe(tmp_path), recipe(tmp_path, head__kind="tanh")
    short = train_method(real, made(), dimension=3)
    assert short.projector.text(made().text).shape == (200, 3)
    assert train_method(codes, made(), bits=16).projector.text(made().text).shape == (200, 16)
    with pytest.raises(InvalidInput, match="takes a dimension, not bits"):
        train_method(real, made(), bits=16)
    with pytest.raises(InvalidInput, match="takes bits, not a dimension"):
        train_method(codes, made(), dimension=16)
    with pytest.raises(InvalidInput, match="cannot learn 0 bits"):
        train_method(codes, made(), bits=0)


def test_early_stopping_holds_out_pairs_or_takes_those_given(tmp_path: Path) -> None:
    out = tmp_path / "out"
    stopped = recipe(tmp_path, train__metric="recall@1", train__epochs=30, train__patience=2)
    train_method(stopped, made(), dev=made(50, seed=3), out=out)
    header, *rows = (out / "curves.csv").read_text().splitlines()
    assert header == "epoch,loss,infonce.v1,map,recall@1,recall@5,recall@10"
    assert len(rows) < 30
    own = PairTask(stopped, made(180))
    assert own.sizes == Sizes(image=10, text=6, dimension=8, classes=2, pairs=180)
    train_method(stopped, made(), out=tmp_path / "held")
    assert "recall@1" in (tmp_path / "held" / "curves.csv").read_text()


def test_a_loss_that_reads_what_nothing_gives_is_named(tmp_path: Path) -> None:
    wrong = recipe(tmp_path, RECIPE.replace("infonce.v1", "affinity.v1"))
    with pytest.raises(
        InvalidInput, match=r"\"affinity.v1\" reads 'affinity', which nothing gives; known: image,"
    ):
        train_method(wrong, made())


def test_the_projector_is_saved(tmp_path: Path) -> None:
    projector = train_method(recipe(tmp_path, train__epochs=1), made()).projector
    assert isinstance(projector, DeepProjector)
    projector.save(tmp_path / "model.safetensors")
    arrays = load_file(tmp_path / "model.safetensors")
    standard = (made().image - arrays["image.scale.mean"]) / arrays["image.scale.deviation"]
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-4)
    hidden = np.maximum(
        standard @ arrays["image.net.layers.0.weight"].T + arrays["image.net.layers.0.bias"], 0
    )
    vectors = hidden @ arrays["image.net.layers.2.weight"].T + arrays["image.net.layers.2.bias"]
    np.testing.assert_allclose(projector.image(made().image), vectors, rtol=1e-4, atol=1e-4)
    loaded = DeepProjector.load(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.image(made().image), projector.image(made().image))
    assert np.array_equal(loaded.text(made().text), projector.text(made().text))
    with pytest.raises(InvalidInput, match=r"trained on \(n, 10\)"):
        loaded.image(made().text)
    with pytest.raises(InvalidInput, match="not a projector file"):
        DeepProjector.load(tmp_path / "made.toml")


HOOKED = """
import torch
from scenograph.components import Sizes, hooks
from scenograph.train.hook import Hook

@hooks("test-bank.v1")
class Bank(Hook):
    def __init__(self, sizes: Sizes, /, *, value: float) -> None:
        self.bank = torch.full((sizes.pairs, sizes.dimension), value)

    def values(self, values):
        return {"codes": self.bank[values["rows"]]}

    def epoch_end(self, task, epoch, epochs):
        image, text = task.encode(task.train)
        self.bank = torch.where(image + text > 0, 1.0, -1.0)

    def codes(self):
        return self.bank, self.bank
"""


def test_a_hook_gives_values_and_codes(tmp_path: Path) -> None:
    (tmp_path / "bank.py").write_text(HOOKED)
    text = RECIPE.replace('family = "deep"', 'family = "deep-alternating"\ncomponents = ["bank.py"]')
    text = text.replace("[head]\n", '[head]\nkind = "tanh"\n')
    text += '\n[[loss]]\nname = "quantisation.v1"\nweight = 0.1\n[[hook]]\nname = "test-bank.v1"\nvalue = 1\n'
    trained = train_method(recipe(tmp_path, text), made(), bits=8)
    assert trained.image_codes is not None and trained.text_codes is not None
    image, words = trained.projector.image(made().image), trained.projector.text(made().text)
    assert np.array_equal(trained.image_codes, image + words > 0)
    held_out = train_method(recipe(tmp_path, text, train__metric="map"), made(), bits=8)
    assert held_out.image_codes is not None
    assert held_out.image_codes.shape == (200, 8)


def test_annealing_sharpens_the_head(tmp_path: Path) -> None:
    text = RECIPE.replace("[head]\n", '[head]\nkind = "tanh"\n')
    text += '[[hook]]\nname = "anneal.v1"\nstart = 2\nend = 4\n'
    seen: list[tuple[float, float]] = []

    class Watch(Hook):
        def step_end(self, task: Task) -> None:
            assert isinstance(task, PairTask)
            seen.append((float(task.image.head.scale), float(task.text.head.scale)))

    made_recipe = recipe(tmp_path, text, train__epochs=3, train__batch=200)
    task = PairTask(made_recipe, made())
    task.hooks = (*task.hooks, Watch())
    Trainer(task, train=made_recipe.train).fit()
    assert seen == [(2, 2), (3, 3), (4, 4)]


@pytest.mark.parametrize("kind", ["real", "tanh", "sign"])
def test_heads(kind: Any) -> None:
    outputs = torch.tensor([[-0.3, 0.0, 2.0]], requires_grad=True)
    vectors = CommonHead(Head(kind=kind, scale=2.0))(outputs)
    expected: Mapping[str, tuple[Tensor, Tensor]] = {
        "real": (outputs, torch.ones(1, 3)),
        "tanh": (torch.tanh(2 * outputs), 2 * (1 - torch.tanh(2 * outputs) ** 2)),
        "sign": (torch.tensor([[-1.0, -1.0, 1.0]]), torch.ones(1, 3)),
    }
    torch.testing.assert_close(vectors.detach(), expected[kind][0].detach())
    vectors.sum().backward()
    assert outputs.grad is not None
    torch.testing.assert_close(outputs.grad, expected[kind][1].detach())


def test_scaling_reads_memory_maps_and_leaves_constants(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(3, 2, (5000, 3)).astype(np.float16)
    rows[:, 2] = 1
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    standard, unit = Scale("standard", 3), Scale("unit", 3)
    standard.fit(mapped)
    scaled = standard(torch.from_numpy(rows).float())
    torch.testing.assert_close(scaled.mean(dim=0), torch.zeros(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(scaled[:, :2].std(dim=0), torch.ones(2), atol=1e-3, rtol=0)
    assert scaled[:, 2].abs().max() == 0
    torch.testing.assert_close(unit(torch.from_numpy(rows).float()).norm(dim=1), torch.ones(5000))


def test_scores_of_codes_are_those_of_their_signs() -> None:
    labels = np.eye(2, dtype=bool)[[0, 0, 1]]
    image = np.array([[1, 1], [1, -1], [-1, -1]], np.float32)
    text = image * np.array([[0.1, 5]], np.float32)
    assert score_pairs(image, text, labels, binary=True)["recall@1"] == 1.0
    assert score_pairs(image, text, labels, binary=True) == score_pairs(image, image, labels, binary=True)
    assert score_pairs(image, text, labels[:, :0], binary=False).keys() == {
        "recall@1",
        "recall@5",
        "recall@10",
    }
