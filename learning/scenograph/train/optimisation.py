"""Optimisers, and the learning rate over the steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from scenograph.methods.recipe import Optimizer, Schedule

Groups = list[dict[str, Any]]

OPTIMISERS: dict[str, Callable[[Groups, Optimizer], torch.optim.Optimizer]] = {
    "adamw": lambda groups, settings: torch.optim.AdamW(
        groups, settings.lr, settings.betas, weight_decay=settings.weight_decay
    ),
    "adam": lambda groups, settings: torch.optim.Adam(
        groups, settings.lr, settings.betas, weight_decay=settings.weight_decay
    ),
    "sgd": lambda groups, settings: torch.optim.SGD(
        groups, settings.lr, settings.momentum, weight_decay=settings.weight_decay
    ),
}


def make_optimiser(groups: Groups, settings: Optimizer) -> torch.optim.Optimizer:
    """The optimiser of a recipe's [optimizer] table; each group's own rate is kept as `base_lr`."""
    optimiser = OPTIMISERS[settings.name](groups, settings)
    for group in optimiser.param_groups:
        group["base_lr"] = group["lr"]
    return optimiser


def rate(schedule: Schedule, step: int, steps: int) -> float:
    """What the learning rate is multiplied by at a step (0-based) of `steps`."""
    rise = round(schedule.warmup * steps)
    if step < rise:
        return (step + 1) / rise
    if schedule.name == "constant":
        return 1.0
    done = (step - rise) / max(steps - rise, 1)
    return schedule.floor + (1 - schedule.floor) * 0.5 * (1 + math.cos(math.pi * done))


def set_rate(optimiser: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's learning rate to `factor` times its own."""
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * factor
