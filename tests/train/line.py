"""A task small enough to check the trainer on: a line through noisy points, with dropout and augmentation."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from scenograph.methods.recipe import Optimizer, Train
from scenograph.train.distributed import gathered
from scenograph.train.hook import Hook
from scenograph.train.task import RowArray, Task
from scenograph.train.trainer import Trainer


class Counter(Hook):
    """Remembers a running mean of the steps' losses, as a bank would remember codes."""

    def __init__(self) -> None:
        self.mean = torch.zeros(())

    def step_end(self, task: Task) -> None:
        assert isinstance(task, Line)
        self.mean = 0.9 * self.mean + 0.1 * task.last

    def state_dict(self) -> dict[str, Any]:
        return {"mean": self.mean}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.mean = state["mean"]


class Line(Task):
    def __init__(self, rows: int = 64, *, dropout: float = 0.1, noise: float = 0.1) -> None:
        torch.manual_seed(0)
        self.rows = rows
        self.noise = noise
        self.x = torch.linspace(-1, 1, rows).reshape(-1, 1).repeat(1, 4)
        self.y = self.x.sum(dim=1, keepdim=True) * 0.5 + 1
        self.module = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 1))
        self.hooks = (Counter(),)
        self.last = torch.zeros(())

    def batch(self, rows: RowArray, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        noise = torch.from_numpy(rng.normal(scale=self.noise, size=(len(rows), 4)).astype(np.float32))
        return self.x[rows] + noise, self.y[rows]

    def losses(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        x, y = batch
        error = (gathered(self.module(x)) - gathered(y)).square().mean()
        self.last = error.detach()
        return {"square": error, "smooth": 0.01 * self.module(x).abs().mean()}

    def validate(self) -> dict[str, float]:
        return {"fit": -float((self.module(self.x) - self.y).square().mean())}


def main(out: Path, stop: bool) -> None:
    """Train in a process of its own; where `stop`, wait for ever in the third epoch, to be killed."""
    torch.set_num_threads(1)
    task = Line()

    def progress(what: str, done: int, total: int) -> None:
        if stop and done == 19:
            print("ready", flush=True)
            sys.stdin.read()

    trainer = Trainer(
        task,
        train=Train(epochs=6, batch=8, metric="fit"),
        optimizer=Optimizer(lr=0.01),
        out=out,
        progress=progress,
        checkpoint_s=0.0,
    )
    history = trainer.fit(resume=True)
    torch.save([task.module.state_dict(), task.hooks[0].state_dict(), history], out / "result.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] == ["stop"])
