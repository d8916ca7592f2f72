"""Annealing of a tanh head: ever nearer to the sign."""

from __future__ import annotations

from scenograph.components import hooks
from scenograph.train.hook import Hook
from scenograph.train.task import Task
from scenograph.train.towers import Tower


@hooks("anneal.v1")
class Anneal(Hook):
    """Sets both heads' scale, tanh(scale * x), for each epoch, on a straight line from `start` to `end`.

    Source: Su et al. 2019 (DJSRH), after Cao et al. 2017 (HashNet).
    """

    def __init__(self, *, start: float = 1.0, end: float = 10.0) -> None:
        self.first = start
        self.last = end

    def epoch_start(self, task: Task, epoch: int, epochs: int) -> None:
        share = epoch / max(epochs - 1, 1)
        for part in task.module.modules():
            if isinstance(part, Tower):
                part.head.scale.fill_(self.first + share * (self.last - self.first))
