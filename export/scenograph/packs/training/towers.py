"""Trains image head, text head and the backbone's tuned stage, and then the hash head on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scenograph.components import tasks
from scenograph.methods.catalogue import get_method
from scenograph.methods.contracts import Progress
from scenograph.methods.recipe import Recipe
from scenograph.nn.backbone import load_backbone
from scenograph.nn.image_head import ImageHead
from scenograph.nn.text_encoder import MIDDLE, load_text_encoder
from scenograph.nn.text_head import TextHead
from scenograph.nn.towers import Towers
from scenograph.packs.build.levels import WEIGHTS
from scenograph.packs.build.sources import BACKBONE, TEXT_ENCODER
from scenograph.packs.build.trained import load_trained, read_trained, write_trained
from scenograph.packs.training.card import Card, write_card
from scenograph.train.default_hash import DefaultHash
from scenograph.train.default_towers import DefaultTowers
from scenograph.train.tower_data import TowerData
from scenograph.train.trainer import Trainer

TOWERS, HASH = "default-towers", "default-hash"
TEMPERATURE = 0.05  # near what the towers' levels learn
Rows = NDArray[np.int64]


def train_towers(
    data: TowerData, digest: str, *, held_out: Rows | None = None, out: Path, progress: Progress, folder: Path
) -> None:
    """Train by the recipe "default-towers" and write weights and cards to `folder`.

    `held_out`: photos to validate on, which then are not trained on. `out` takes checkpoint and curves.
    """
    recipe = get_method(TOWERS)
    photos, held = _divided(len(data), held_out)
    torch.manual_seed(recipe.train.seed)
    stage = load_backbone(BACKBONE.file("weights")).stage
    layers = load_text_encoder(TEXT_ENCODER.file("weights")).layers[MIDDLE:].requires_grad_(True)
    task = _task(recipe, data, stage, layers, photos, held)
    assert isinstance(task, DefaultTowers)
    scores = _fitted(recipe, task, out, progress)
    task.average.apply(task.module)
    for target in (out / TOWERS / "weights", folder):
        _write(task.towers, Card(recipe, digest, len(photos), scores), target)
        path = write_trained("tuned_stage", task.towers.stage.trained_state(), target)
        write_card(path.with_suffix(".md"), Card(recipe, digest, len(photos), scores))


def train_hash(
    data: TowerData, digest: str, *, held_out: Rows | None = None, out: Path, progress: Progress, folder: Path
) -> None:
    """Train the hash head by the recipe "default-hash", and with it the projections of the towers that
    `train_towers` left in `out`; write them to `folder`.
    """
    recipe = get_method(HASH)
    photos, held = _divided(len(data), held_out)
    towers = trained_towers(out / TOWERS / "weights")
    torch.manual_seed(recipe.train.seed)
    task = _task(recipe, towers, data, photos, held)
    assert isinstance(task, DefaultHash)
    scores = _fitted(recipe, task, out, progress)
    task.average.apply(task.module)
    card = Card(recipe, digest, len(photos), scores)
    _write(task.towers, card, folder)
    path = write_trained("hash_head", task.teaching.head.state_dict(), folder)
    write_card(path.with_suffix(".md"), card)


def _write(towers: Towers, card: Card, folder: Path) -> None:
    for name, head in (("image_head", towers.image), ("text_head", towers.text)):
        write_card(write_trained(name, head.state_dict(), folder).with_suffix(".md"), card)


def trained_towers(folder: Path) -> Towers:
    """The towers with the weights in `folder`."""
    image = load_trained(ImageHead(weights=WEIGHTS), "image_head", folder)
    text = load_trained(TextHead(weights=WEIGHTS), "text_head", folder)
    stage = load_backbone(BACKBONE.file("weights"), read_trained("tuned_stage", folder)).stage
    return Towers(image, text, stage, TEMPERATURE).eval()


def _task(recipe: Recipe, *given: object) -> object:
    assert recipe.task is not None
    return tasks.build(recipe.task.name, *given, parameters=recipe.task.parameters)


def _fitted(
    recipe: Recipe, task: DefaultTowers | DefaultHash, out: Path, progress: Progress
) -> dict[str, float]:
    trainer = Trainer(
        task,
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        train=recipe.train,
        out=out / recipe.key,
        progress=progress,
    )
    history = trainer.fit(resume=True)
    return history[-1] if history else {}


def _divided(photos: int, held_out: Rows | None) -> tuple[Rows, Rows]:
    held = np.zeros(0, np.int64) if held_out is None else held_out
    return np.setdiff1d(np.arange(photos), held), held
