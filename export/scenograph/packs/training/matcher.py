"""Trains the default pack's matcher: `python -m scenograph.packs.training.matcher`, with a built pack."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from scenograph.components import tasks
from scenograph.data.cache import FeatureCache
from scenograph.data.datasets import load_captions
from scenograph.methods.catalogue import get_method
from scenograph.nn.unit_matcher import UnitMatcher
from scenograph.nn.visual_units import VisualUnits
from scenograph.packs.build.matcher import FOLDER, WEIGHTS
from scenograph.packs.build.sources import PARSER
from scenograph.packs.store import open_pack
from scenograph.packs.training.matcher_data import Prepared, prepare
from scenograph.scene.parsing import TextParser, load_parser
from scenograph.train.default_matcher import DefaultMatcher
from scenograph.train.trainer import History, Trainer
from scenograph.train.units import said_parts, seen_units

METHOD = "default-matcher"
SHOWN = 1000  # training photos that the range of scores is taken from
SCENE_SHARE = 0.4
"""Of the learned weight of wholes: the float stage compares them too. Chosen on held-out photos."""


def train_matcher(
    data: Path, pack: Path, cache: Path, out: Path, *, held_out: int = 0, resume: bool = False
) -> tuple[Path, History]:
    """Train by the recipe on `data`/flickr8k as the models in the folder `pack` see it; the weights are
    written to `out`. Of the training photos `held_out` are validated on, not trained on.

    Errors: InvalidInput (the data), PackBuildFailed (the text parser's package).
    """
    recipe = get_method(METHOD)
    assert recipe.task is not None
    split = load_captions(recipe.data.dataset, data).captions("train")
    order = np.random.default_rng([recipe.train.seed, len(split.images)]).permutation(len(split.images))
    training, held = np.sort(order[held_out:]), np.sort(order[:held_out])
    prepared = prepare(
        split.images,
        split.captions,
        training,
        pack=pack,
        parser=TextParser(load_parser(PARSER.file("description").parent)),
        cache=FeatureCache(cache),
        seed=recipe.train.seed,
    )
    with torch.random.fork_rng():
        torch.manual_seed(recipe.train.seed)
        task: DefaultMatcher = tasks.build(
            recipe.task.name, prepared.data, training, held, parameters=recipe.task.parameters
        )
    trainer = Trainer(
        task, optimizer=recipe.optimizer, schedule=recipe.schedule, train=recipe.train, out=out,
        progress=_report,
    )  # fmt: skip
    history = trainer.fit(resume=resume)
    return save(task, prepared, training, out), history


def save(task: DefaultMatcher, prepared: Prepared, training: NDArray[np.int64], out: Path) -> Path:
    """The averaged weights as the pack's models take them, in half precision."""
    task.average.apply(task.module)
    with torch.no_grad():
        task.towers.text.log_scene.add_(math.log(SCENE_SHARE))
    scores, _ = task.scores(training[:SHOWN])
    owner = np.repeat(np.arange(scores.shape[1]), task.data.captions_each)
    lowest = float(np.quantile(scores, 0.005))
    highest = float(np.quantile(scores[np.arange(len(scores)), owner], 0.995))
    parts = {
        "visual": serving_units(task.towers.visual, prepared),
        "text": task.towers.text,
        "matcher": UnitMatcher(lowest, highest, turning_point(task, training[:SHOWN])),
    }
    state = {
        f"{part}.{name}": value.half().contiguous()
        for part, module in parts.items()
        for name, value in module.state_dict().items()
    }
    path = out / WEIGHTS
    save_file(state, path)
    return path


def turning_point(task: DefaultMatcher, photos: NDArray[np.int64]) -> float:
    """`usual_cosine` of the first captions of these photographs."""
    with torch.inference_mode():
        seen = seen_units(task.data.views, photos, np.zeros(len(photos), np.int64))
        regions, _ = task.towers.visual.eval()(**seen)
        said = said_parts(task.data.captions, photos * task.data.captions_each)
        vectors, weights = task.towers.text.eval().units(**said)
    return usual_cosine(vectors[:, :-1], weights[:, :-1], regions, seen["present"])


def usual_cosine(vectors: Tensor, weights: Tensor, regions: Tensor, present: Tensor) -> float:
    """What parts of sentences reach with their best units in images that they were not said of, on average,
    each by its weight. Sentence i is said of image i, and meets the one before.

    Shapes: vectors (n, P, d), weights (n, P), regions (n, U, d), present (n, U).
    """
    cosine = vectors @ regions.roll(1, dims=0).transpose(1, 2)
    best = (cosine - 4 * (1 - present.roll(1, dims=0))[:, None]).amax(dim=-1)
    return float((best * weights).sum() / weights.sum())


def serving_units(trained: VisualUnits, prepared: Prepared) -> VisualUnits:
    """Units that take the maps' means themselves, not compressed ones."""
    units = VisualUnits()
    state = trained.state_dict()
    for name, compression in (("backbone", prepared.backbone), ("detector", prepared.detector)):
        whole = compression.folded(getattr(trained, name))
        state |= {f"{name}.weight": whole.weight, f"{name}.bias": whole.bias}
    units.load_state_dict(state)
    return units.eval()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    data = Path(os.environ.get("SCENOGRAPH_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder that holds flickr8k/")
    parser.add_argument("--pack", type=Path, help="a default pack's folder; else the newest one's")
    parser.add_argument("--cache", type=Path, default=Path("build/features"), help="features, computed once")
    parser.add_argument(
        "--out", type=Path, default=Path("build/training") / METHOD, help="all but the weights"
    )
    parser.add_argument("--held-out", type=int, default=0, help="training photos to validate on instead")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--install", action="store_true", help="put the weights where packs are built from")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    file, history = train_matcher(
        given.data,
        given.pack or open_pack("default").folder,
        given.cache,
        given.out,
        held_out=given.held_out,
        resume=given.resume,
    )
    for values in history:
        sys.stdout.write(" ".join(f"{name} {value:.4g}" for name, value in values.items()) + "\n")
    if given.install:
        (FOLDER / WEIGHTS).write_bytes(file.read_bytes())
    sys.stdout.write(f"wrote {FOLDER / WEIGHTS if given.install else file}\n")


def _report(what: str, done: int, total: int) -> None:
    if done % 20 == 0 or done == total:
        sys.stderr.write(f"\r{METHOD}: {what}, step {done} of {total} ")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
