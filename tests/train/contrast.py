"""A recipe whose losses look at the whole batch, trained by this process or by several; see test_trainer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import torch

from scenograph.data.contracts import FeatureSplit
from scenograph.methods.catalogue import load_recipe
from scenograph.train.pairs import PairTask
from scenograph.train.trainer import Trainer

RECIPE = """
key = "contrast"
title = "Losses that compare the batch's pairs, two of them with weights of their own"
family = "deep"
[nets]
image = { name = "mlp.v1", hidden = [16] }
text = { name = "mlp.v1", hidden = [] }
[head]
dimension = 4
[[loss]]
name = "infonce.v1"
learned = true
[[loss]]
name = "classification.v1"
[[loss]]
name = "adversary.v1"
weight = 0.1
[[loss]]
name = "decorrelation.v1"
[optimizer]
name = "sgd"
lr = 0.05
[train]
epochs = 3
batch = 16
"""


def main(folder: Path, name: str) -> None:
    """Train, and write history and weights to `folder`/`name`, followed by this process's rank."""
    torch.set_num_threads(1)
    (folder / f"{name}{os.environ.get('RANK', '')}").mkdir()
    path = folder / f"{name}{os.environ.get('RANK', '')}" / "contrast.toml"
    path.write_text(RECIPE)
    generator = np.random.default_rng(0)
    image, text = (generator.normal(size=(64, size)).astype(np.float32) for size in (6, 5))
    labels = np.eye(2, dtype=bool)[(image[:, 0] > 0).astype(int)]
    recipe = load_recipe(path)
    torch.manual_seed(0)
    task = PairTask(recipe, FeatureSplit(tuple(map(str, range(64))), image, text, labels))
    trainer = Trainer(task, optimizer=recipe.optimizer, train=recipe.train, device=torch.device("cpu"))
    history = trainer.fit()
    torch.save([history, task.module.state_dict()], path.parent / "result.pt")
    left = {thread.read_text().strip() for thread in Path("/proc/self/task").glob("*/comm")}
    assert "pt_gloo_runloop" not in left, "threads of the process group outlive it, and may abort the exit"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
