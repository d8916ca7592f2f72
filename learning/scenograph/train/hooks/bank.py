"""Banks: what training has found for every pair so far, for losses that look beyond the batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from scenograph.components import Sizes, hooks
from scenograph.scene.errors import InvalidInput
from scenograph.train.hook import Hook
from scenograph.train.task import Task


def sign(vectors: Tensor) -> Tensor:
    """1 where positive, else -1."""
    return torch.where(vectors > 0, 1.0, -1.0)


@hooks("code-bank.v1")
class CodeBank(Hook):
    """Keeps both modalities' latest vectors of every training pair, and their unified codes B = sign(F + G),
    renewed after each epoch: the discrete step of alternating optimisation.

    Gives `image_bank`, `text_bank` (n, D), `bank_labels` (n, classes), and `codes` (B, D), the batch's rows
    of B. Source: Jiang and Li 2017 (DCMH), section 3.2, eq. 3.
    """

    def __init__(self, sizes: Sizes, /) -> None:
        if not sizes.classes:
            raise InvalidInput("a bank of codes needs a dataset with labels")
        self.banks = torch.zeros(2, sizes.pairs, sizes.dimension)
        self.labels = torch.zeros(sizes.pairs, sizes.classes)
        self.unified = torch.zeros(sizes.pairs, sizes.dimension)

    def start(self, task: Task) -> None:
        from scenograph.train.pairs import PairTask

        assert isinstance(task, PairTask)
        heads = (task.image.head, task.text.head)
        with torch.no_grad():
            found = [head(side) for head, side in zip(heads, task.encode(task.train), strict=True)]
        self.banks = torch.stack(found)
        self.labels = torch.from_numpy(task.train.labels).to(self.banks)
        self.unified = sign(self.banks.sum(dim=0))

    def values(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        image, text = self.banks
        codes = self.unified[values["rows"]]
        return {"image_bank": image, "text_bank": text, "bank_labels": self.labels, "codes": codes}

    def step_end(self, task: Task) -> None:
        from scenograph.train.pairs import PairTask

        assert isinstance(task, PairTask)
        rows = task.values["rows"]
        self.banks[0, rows], self.banks[1, rows] = task.values["image"], task.values["text"]

    def epoch_end(self, task: Task, epoch: int, epochs: int) -> None:
        self.unified = sign(self.banks.sum(dim=0))

    def codes(self) -> tuple[Tensor, Tensor]:
        return self.unified, self.unified

    def state_dict(self) -> dict[str, Any]:
        return {"banks": self.banks, "labels": self.labels, "unified": self.unified}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.banks, self.labels, self.unified = state["banks"], state["labels"], state["unified"]


@hooks("memory-bank.v1")
class MemoryBank(Hook):
    """Keeps a moving average v of every pair's mean vector and gives its signs as `keys` (n, D).

    v <- `momentum` v + (1 - momentum) (image + text) / 2 after each step, from small random numbers on.
    Source: Hu et al. 2023 (UCCH), eq. 5 and 6.
    """

    def __init__(self, sizes: Sizes, /, *, momentum: float = 0.4) -> None:
        self.momentum = momentum
        generator = torch.Generator().manual_seed(sizes.pairs)
        self.average = 0.01 * torch.randn(sizes.pairs, sizes.dimension, generator=generator)

    def values(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        self.average = self.average.to(values["image"].device)
        return {"keys": sign(self.average)}

    def step_end(self, task: Task) -> None:
        from scenograph.train.pairs import PairTask

        assert isinstance(task, PairTask)
        rows, found = task.values["rows"], (task.values["image"] + task.values["text"]) / 2
        self.average[rows] = self.momentum * self.average[rows] + (1 - self.momentum) * found

    def state_dict(self) -> dict[str, Any]:
        return {"average": self.average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.average = state["average"]
