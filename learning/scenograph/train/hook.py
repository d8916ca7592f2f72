"""What happens around epochs and steps: banks, alternating codes, annealing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from scenograph.train.task import Task


class Hook:
    """Called by the trainer; every method may be left out. State that training depends on goes into
    `state_dict`, or a resumed training differs from an unbroken one.
    """

    def start(self, task: Task) -> None:
        """Once, before the first epoch, and before a saved state is loaded."""

    def epoch_start(self, task: Task, epoch: int, epochs: int) -> None:
        """Before the first step of an epoch (0-based)."""

    def values(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """What the losses of a pair task may read beside `values`, such as the rows' codes in a bank."""
        return {}

    def step_end(self, task: Task) -> None:
        """After the optimiser's step."""

    def epoch_end(self, task: Task, epoch: int, epochs: int) -> None:
        """After the last step of an epoch, before validation."""

    def codes(self) -> tuple[Tensor, Tensor] | None:
        """The training items' own learned codes, images' and texts', where the hook keeps them.

        Shapes: (n, bits), (n, bits) of -1 and 1.
        """
        return None

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and strings, in dicts and lists."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
