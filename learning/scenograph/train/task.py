"""What the trainer trains: anything that can give batches, their loss and, now and then, a score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from scenograph.train.hook import Hook

RowArray = NDArray[np.int64]


class Task(ABC):
    """Training data with a module and a loss.

    `module` holds every parameter that is learned, those of losses too; `rows` is how many training rows
    there are. The trainer shuffles and cuts rows into batches, seeds every step, and moves module and batches
    to the device.
    """

    module: nn.Module
    rows: int
    hooks: Sequence[Hook] = ()

    @abstractmethod
    def batch(self, rows: RowArray, rng: np.random.Generator) -> Any:
        """The training batch of these rows: tensors, or tuples, lists and dicts of them.

        `rng` is for augmentation and sampling; the same seed, epoch and step give the same draws.
        """

    @abstractmethod
    def losses(self, batch: Any) -> Mapping[str, Tensor]:
        """The loss's parts, scalars, already weighted; their sum is minimised."""

    def validate(self) -> Mapping[str, float]:
        """Scores on held-out data, higher is better; called in evaluation mode, without gradients."""
        return {}

    def save(self, folder: Path) -> list[Path]:
        """Write what was learned, and say which files; by default the module's weights."""
        path = folder / "model.safetensors"
        save_file({name: value.cpu().contiguous() for name, value in self.module.state_dict().items()}, path)
        return [path]

    def order(self, rng: np.random.Generator) -> RowArray:
        """The rows of one epoch in order; by default all of them, shuffled."""
        return rng.permutation(self.rows)

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """Torch's parameter groups; a group may have an `lr` or `weight_decay` of its own."""
        return [{"params": [one for one in self.module.parameters() if one.requires_grad], "lr": lr}]
