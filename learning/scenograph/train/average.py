"""A moving average of a module's weights: steadier than the last step's."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from scenograph.train.hook import Hook
from scenograph.train.task import Task


class Average(Hook):
    """`module` is a copy whose weights follow the trained ones, at step t by a share of
    max(1 - decay, 9 / (t + 10)).

    Source: Polyak and Juditsky 1992; the rise of the decay as in TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self._of = module
        self._decay = decay
        self._steps = 0

    @torch.no_grad()
    def step_end(self, task: Task) -> None:
        self._steps += 1
        share = 1 - min(self._decay, (1 + self._steps) / (10 + self._steps))
        for mean, value in zip(self.module.parameters(), self._of.parameters(), strict=True):
            mean.lerp_(value, share)

    def state_dict(self) -> dict[str, Any]:
        return {"module": self.module.state_dict(), "steps": self._steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.module.load_state_dict(state["module"])
        self._steps = int(state["steps"])
