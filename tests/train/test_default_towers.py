"""The default pack's towers and hash head learn to tell made-up photographs and captions apart."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch

from scenograph.data.tokens import TokenStates
from scenograph.methods.catalogue import get_method
from scenograph.methods.recipe import Optimizer, Schedule, Train
from scenograph.nn.image_head import SIZES
from scenograph.nn.text_encoder import EncoderLayer
from scenograph.nn.tuned_stage import TunedStage
from scenograph.train.default_hash import DefaultHash
from scenograph.train.default_towers import DefaultTowers
from scenograph.train.tower_data import PhotoView, TowerData
from scenograph.train.trainer import Trainer

PHOTOS, EACH = 16, 2


def sentence_names(rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return rng.normal(size=(1080, 384)).astype(np.float32)


@cache
def made_up() -> TowerData:
    """Photographs each with a pattern of its own, and captions with the same one; two views."""
    rng = np.random.default_rng(0)
    patterns = rng.normal(size=(PHOTOS, 64)).astype(np.float32)

    def grown(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        size = shape[-1]
        values = patterns @ rng.normal(size=(64, size)).astype(np.float32) / 8
        between = tuple(range(1, len(shape)))
        noise = 0.05 * rng.normal(size=(PHOTOS, *shape)).astype(np.float32)
        return np.expand_dims(values, between[: len(shape) - 1]) + noise

    def view() -> PhotoView:
        classes = np.exp(grown(1000))
        return PhotoView(
            states=grown(9, 9, 208),
            backbone=grown(2560),
            detector=grown(2560),
            classes=classes / classes.sum(axis=1, keepdims=True),
            objects=np.abs(grown(80)).clip(0, 1),
        )

    first = view()
    lengths = rng.integers(4, 9, PHOTOS * EACH)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    owner = np.repeat(np.repeat(np.arange(PHOTOS), EACH), lengths)
    states = grown(384)[owner] + 0.1 * rng.normal(size=(len(owner), 384))
    sentence = np.stack([states[a:b].mean(axis=0) for a, b in pairwise(offsets)])
    sentence = (sentence / np.linalg.norm(sentence, axis=1, keepdims=True)).astype(np.float32)
    tokens = TokenStates(owner.astype(np.int32), states.astype(np.float16), offsets, sentence)
    roles = rng.integers(0, 3, len(owner)).astype(np.int8)
    return TowerData([first, first], tokens, states.astype(np.float16), roles, sentence_names(rng), EACH)


@cache
def trained() -> tuple[DefaultTowers, list[dict[str, float]]]:
    package = pytest.importorskip(
        "efficientnet_lite_pytorch", reason="only the pack's builder has it installed"
    )
    torch.manual_seed(0)
    stage = TunedStage(package.EfficientNet.from_name("efficientnet-lite2").eval())
    layers = [EncoderLayer() for _ in range(2)]
    task = DefaultTowers(
        made_up(),
        stage,
        layers,
        np.arange(PHOTOS),
        np.arange(PHOTOS),
        hidden=(64, 64, 64),
        frozen=4,
        averaging=0.5,
    )
    settings = Train(epochs=3, batch=8, seed=0)
    optimizer, schedule = Optimizer(lr=1e-3, clip=1.0), Schedule(warmup=0.0)
    history = Trainer(task, optimizer=optimizer, schedule=schedule, train=settings).fit()
    task.average.apply(task.module)
    return task, history


def test_the_recipes_name_what_the_tasks_take() -> None:
    for key in ("default-towers", "default-hash"):
        assert get_method(key).family == "default"


def test_towers_learn() -> None:
    task, history = trained()
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["t2i_r1"] > 300 / PHOTOS  # three times chance
    image, text = task.embed(np.arange(PHOTOS))
    assert image.shape == (PHOTOS, sum(SIZES)) and text.shape == (PHOTOS * EACH, sum(SIZES))
    torch.testing.assert_close(image.norm(dim=1), torch.ones(PHOTOS), atol=1e-3, rtol=0)


def test_the_hash_head_learns_their_ranking() -> None:
    task, _ = trained()
    torch.manual_seed(0)
    rows = np.arange(PHOTOS)
    taught = DefaultHash(
        task.towers, made_up(), rows, rows, directions=(8, 8, 8, 8), hash_lr=1e-3, views=2, averaging=0.5
    )
    tuned = [one.clone() for one in taught.towers.stage.parameters()]
    settings = Train(epochs=4, batch=8, seed=0)
    history = Trainer(taught, optimizer=Optimizer(lr=1e-4), train=settings).fit()
    chance = 2 * 3 * np.log(8)  # both ways, three lengths, batches of eight
    assert history[-1]["codes"] < chance / 3
    assert history[-1]["bits256"] >= history[-1]["bits64"] > 100 * 10 / PHOTOS
    for before, after in zip(tuned, taught.towers.stage.parameters(), strict=True):
        torch.testing.assert_close(before, after)
