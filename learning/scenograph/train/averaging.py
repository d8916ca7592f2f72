"""Weights averaged over the steps: what a training's last steps agree on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from scenograph.train.hook import Hook
from scenograph.train.task import Task


class AveragedWeights(Hook):
    """An exponential moving average of a task's parameters; `decay` is the old average's share, less in the
    first steps.

    Source: Polyak and Juditsky 1992 (averaging of iterates).
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.average: dict[str, Tensor] = {}

    def start(self, task: Task) -> None:
        self.average = {name: one.detach().clone() for name, one in task.module.named_parameters()}

    def step_end(self, task: Task) -> None:
        self.steps += 1
        share = min(self.decay, self.steps / (self.steps + 10))
        with torch.no_grad():
            for name, one in task.module.named_parameters():
                self.average[name].lerp_(one, 1 - share)

    @contextmanager
    def weights(self, module: nn.Module) -> Iterator[None]:
        """The module has the averaged weights within."""
        kept = {name: one.detach().clone() for name, one in module.named_parameters()}
        self.apply(module)
        try:
            yield
        finally:
            with torch.no_grad():
                for name, one in module.named_parameters():
                    one.copy_(kept[name])

    def apply(self, module: nn.Module) -> None:
        """Give the module the averaged weights for good."""
        with torch.no_grad():
            for name, one in module.named_parameters():
                one.copy_(self.average[name])

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "average": dict(self.average)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.steps = int(state["steps"])
        for name, tensor in state["average"].items():
            self.average[name].copy_(tensor)
