"""The one trainer: it knows tasks, and nothing of what they learn."""

from __future__ import annotations

import copy
import hashlib
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from scenograph.methods.contracts import Progress
from scenograph.methods.recipe import Optimizer, Schedule, Train
from scenograph.scene.errors import FailedPrecondition
from scenograph.train import checkpoint
from scenograph.train.curves import Events, write_csv
from scenograph.train.distributed import World, joined
from scenograph.train.optimisation import make_optimiser, rate, set_rate
from scenograph.train.task import Task

History = list[dict[str, float]]


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


class Trainer:
    """Trains a task: seeded, resumable, with early stopping, on one process or several (`torchrun`).

    The same task, settings and seed give the same weights, bit for bit on a CPU with one thread, broken off
    and resumed or not. `out` takes checkpoint and curves; without it nothing is written or can be resumed.
    """

    def __init__(
        self,
        task: Task,
        *,
        optimizer: Optimizer | None = None,
        schedule: Schedule | None = None,
        train: Train | None = None,
        out: Path | None = None,
        progress: Progress = silent,
        device: torch.device | None = None,
        checkpoint_s: float = 60.0,
    ) -> None:
        self.task = task
        self.optimizer = optimizer or Optimizer()
        self.schedule = schedule or Schedule()
        self.train = train or Train()
        self.out = out
        self.progress = progress
        self.device = device
        self.checkpoint_s = checkpoint_s

    def fit(self, *, resume: bool = False) -> History:
        """Train, and leave the module with its best weights, in evaluation mode: one row of values an epoch.

        Errors: FailedPrecondition (the loss is no number; a checkpoint of other settings), DataLoss (the
        checkpoint cannot be read).
        """
        with joined(self.device) as world, torch.random.fork_rng():
            return _Run(self, world).fit(resume)


class _Run:
    """One call of `fit`."""

    def __init__(self, trainer: Trainer, world: World) -> None:
        self.task, self.settings, self.world = trainer.task, trainer.train, world
        self.trainer = trainer
        self.task.module.to(world.device)
        self.out = trainer.out if world.leads else None
        self.optimiser = make_optimiser(self.task.parameter_groups(trainer.optimizer.lr), trainer.optimizer)
        step = _Step(self.task)
        self.step: nn.Module = step if world.size == 1 else DistributedDataParallel(step)
        self.batch = max(self.settings.batch // world.size, 1) * world.size
        self.state = checkpoint.State()
        self.saved_at = time.monotonic()

    def fit(self, resume: bool) -> History:
        for hook in self.task.hooks:
            hook.start(self.task)
        if resume and self.trainer.out is not None:
            self._restore(self.trainer.out)
        if self.out is not None:
            self.out.mkdir(parents=True, exist_ok=True)
        events = Events(self.out, self.state.epoch)
        try:
            while self.state.epoch < self.settings.epochs and not self.state.done:
                events.add(self.state.epoch, self._epoch())
        finally:
            events.close()
        self._finish()
        return self.state.history

    def _epoch(self) -> dict[str, float]:
        state, epoch, epochs = self.state, self.state.epoch, self.settings.epochs
        order = self.task.order(np.random.default_rng([self.settings.seed, epoch]))
        steps = max(len(order) // self.batch, 1)
        if state.step == 0:
            for hook in self.task.hooks:
                hook.epoch_start(self.task, epoch, epochs)
        self.task.module.train()
        while state.step < steps:
            rows = order[state.step * self.batch : (state.step + 1) * self.batch]
            losses = self._step(rows, epoch * steps + state.step, epochs * steps)
            for name, value in losses.items():
                state.sums[name] = state.sums.get(name, 0.0) + value
            state.step += 1
            if state.step < steps and time.monotonic() - self.saved_at > self.trainer.checkpoint_s:
                self._save()
        for hook in self.task.hooks:
            hook.epoch_end(self.task, epoch, epochs)
        row = {
            "epoch": float(epoch + 1),
            **{name: self.world.mean(v) / steps for name, v in state.sums.items()},
        }
        row |= self._validate(epoch)
        state.history.append(row)
        state.epoch, state.step, state.sums = epoch + 1, 0, {}
        if self.out is not None:
            write_csv(self.out, state.history)
        self._save()
        return row

    def _step(self, rows: Any, step: int, steps: int) -> dict[str, float]:
        seed = [self.settings.seed, step, self.world.rank]
        rng = np.random.default_rng(seed)
        torch.manual_seed(int(rng.integers(2**62)))
        ours = rows[: len(rows) // self.world.size * self.world.size][self.world.rank :: self.world.size]
        batch = to_device(self.task.batch(ours, rng), self.world.device)
        set_rate(self.optimiser, rate(self.trainer.schedule, step, steps))
        losses: dict[str, Tensor] = self.step(batch)
        total = torch.stack(list(losses.values())).sum()
        if not math.isfinite(value := float(total.detach())):
            raise FailedPrecondition(f"the loss became {value} at step {step + 1}; try a lower learning rate")
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        if self.trainer.optimizer.clip:
            nn.utils.clip_grad_norm_(self.task.module.parameters(), self.trainer.optimizer.clip)
        self.optimiser.step()
        for hook in self.task.hooks:
            hook.step_end(self.task)
        if self.world.leads:
            self.trainer.progress(f"loss {value:.4g}", step + 1, steps)
        return {"loss": value} | {name: float(part.detach()) for name, part in losses.items()}

    def _validate(self, epoch: int) -> dict[str, float]:
        """Measure, where it is time, and keep the best weights."""
        settings, state = self.settings, self.state
        if (epoch + 1) % settings.validate_every and epoch + 1 < settings.epochs:
            return {}
        self.task.module.eval()
        scores: dict[str, float] = {}
        if self.world.leads:
            with torch.inference_mode():
                scores = dict(self.task.validate())
        scores = self.world.share(scores)
        if not settings.metric:
            return scores
        if settings.metric not in scores:
            known = ", ".join(scores) or "none"
            raise FailedPrecondition(f'[train] metric "{settings.metric}" is not measured; known: {known}')
        if scores[settings.metric] > state.best_score:
            state.best_score, state.bad, state.best = scores[settings.metric], 0, self._weights()
        else:
            state.bad += 1
            state.done = state.bad >= settings.patience
        return scores

    def _weights(self) -> dict[str, Any]:
        hooks = [hook.state_dict() for hook in self.task.hooks]
        return copy.deepcopy({"module": self.task.module.state_dict(), "hooks": hooks})

    def _load_weights(self, weights: Mapping[str, Any]) -> None:
        self.task.module.load_state_dict(weights["module"])
        for hook, state in zip(self.task.hooks, weights["hooks"], strict=True):
            hook.load_state_dict(state)

    def _finish(self) -> None:
        if self.state.best is not None:
            self._load_weights(self.state.best)
        self.task.module.eval()

    def _save(self) -> None:
        self.saved_at = time.monotonic()
        if self.out is not None:
            parts = self._weights() | {"optimiser": self.optimiser.state_dict()}
            checkpoint.save(self.out, self.state, parts, self._fingerprint())

    def _restore(self, folder: Path) -> None:
        saved = checkpoint.load(folder, self._fingerprint())
        if saved is not None:
            self.state, parts = saved
            self._load_weights(parts)
            self.optimiser.load_state_dict(parts["optimiser"])

    def _fingerprint(self) -> str:
        """What two trainings must share for one to continue the other."""
        shapes = [(name, tuple(value.shape)) for name, value in self.task.module.state_dict().items()]
        settings = (self.trainer.optimizer, self.trainer.schedule, self.settings)
        told = msgspec.json.encode([*settings, self.task.rows, shapes, self.world.size])
        return hashlib.sha256(told).hexdigest()


class _Step(nn.Module):
    """A task's loss as a module's forward, which is what DistributedDataParallel wraps."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.module = task.module
        self._task = task

    def forward(self, batch: Any) -> dict[str, Tensor]:
        return dict(self._task.losses(batch))


def to_device(batch: Any, device: torch.device) -> Any:
    """The same nest of tuples, lists and dicts with every tensor on the device."""
    match batch:
        case Tensor():
            return batch.to(device, non_blocking=True)
        case dict():
            return {name: to_device(value, device) for name, value in batch.items()}
        case tuple() if hasattr(batch, "_fields"):
            return type(batch)(*(to_device(value, device) for value in batch))
        case tuple() | list():
            return type(batch)(to_device(value, device) for value in batch)
    return batch
