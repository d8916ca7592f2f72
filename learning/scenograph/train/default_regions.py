"""The default pack's heads that name what regions are like, and what they are to each other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from scenograph.components import tasks
from scenograph.metrics.words import average_precisions
from scenograph.nn.attribute_head import AttributeHead
from scenograph.nn.region_features import CLASSES
from scenograph.nn.relation_head import RelationHead
from scenograph.train.averaging import AveragedWeights
from scenograph.train.calibration import fit_calibration
from scenograph.train.region_data import PairLabels, RegionLabels, SeenPhotos
from scenograph.train.task import RowArray, Task
from scenograph.train.trainer import History

FloatArray = NDArray[np.float32]
COMMON = 4.0  # pairs of two classes that weigh as much as what is usual of all
FIRST = 0.1  # of the corrections' first size
LEAST_SEEN = 3  # times that a word must be held out to be measured


class HeadTask(Task):
    """A head that gives every row of its labels a score for each word.

    `training` and `held_out` are rows of the labels; the latter validate and calibrate. `averaging` is the
    old weights' share in the average that is kept. `history` is its training's, once it is trained.
    """

    module: AttributeHead | RelationHead

    def __init__(
        self, module: AttributeHead | RelationHead, training: RowArray, held_out: RowArray,
        targets: FloatArray, weights: FloatArray, averaging: float,
    ) -> None:  # fmt: skip
        self.module, self.training, self.held_out = module, training, held_out
        self.targets, self.weights = targets, weights
        self.rows = len(training)
        self.average = AveragedWeights(averaging)
        self.hooks = (self.average,)
        self.history: History = []
        with torch.no_grad():  # every word begins as likely as it is
            often = (weights * targets)[training].sum(axis=0) + 0.5
            rare = (weights * (1 - targets))[training].sum(axis=0) + 0.5
            last_layer(module).bias.copy_(torch.from_numpy(np.log(often / rare)))

    @abstractmethod
    def inputs(self, rows: RowArray) -> dict[str, Tensor]:
        """The module's inputs for these rows of the labels."""

    def batch(self, rows: RowArray, rng: np.random.Generator) -> dict[str, Any]:
        chosen = self.training[rows]
        return {
            "inputs": self.inputs(chosen),
            "targets": torch.from_numpy(self.targets[chosen]),
            "weights": torch.from_numpy(self.weights[chosen]),
        }

    def losses(self, batch: Any) -> Mapping[str, Tensor]:
        scores = self.module.scores_of(**batch["inputs"])
        loss = functional.binary_cross_entropy_with_logits(
            scores, batch["targets"], weight=batch["weights"], reduction="sum"
        )
        return {"said": loss / len(scores)}

    def validate(self) -> Mapping[str, float]:
        """The mean, over words that are held out LEAST_SEEN times, of their average precision in per cent, of
        the averaged weights, and what it is for their frequencies."""
        if not len(self.held_out):
            return {}
        with self.average.weights(self.module):
            scores = self.scores(self.held_out)
        targets, weights = self.targets[self.held_out], self.weights[self.held_out]
        found, often = average_precisions(scores, targets, weights, least=LEAST_SEEN)
        return {"map": 100 * float(np.nanmean(found)), "prior": 100 * float(np.nanmean(often))}

    def scores(self, rows: RowArray, *, calibrated: bool = False) -> FloatArray:
        """The module's scores, or probabilities, for these rows of the labels.  Shapes: -> (n, W)."""
        kept = self.module.training
        self.module.eval()
        with torch.inference_mode():
            parts = [self.inputs(part) for part in np.array_split(rows, max(1, len(rows) // 500))]
            tell = self.module if calibrated else self.module.scores_of
            found = torch.cat([tell(**part) for part in parts])
        self.module.train(kept)
        return np.asarray(found.numpy(), dtype=np.float32)

    def calibrate(self) -> None:
        """Take the averaged weights, and fit their probabilities to the held-out rows."""
        self.average.apply(self.module)
        if len(self.held_out):
            rows = self.held_out
            fitted = fit_calibration(self.scores(rows), self.targets[rows], self.weights[rows])
            self.module.calibrated.slope.copy_(torch.from_numpy(fitted[0]))
            self.module.calibrated.offset.copy_(torch.from_numpy(fitted[1]))

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        every = list(self.module.parameters())
        return [
            {"params": [one for one in every if one.ndim > 1], "lr": lr},
            {"params": [one for one in every if one.ndim <= 1], "lr": lr, "weight_decay": 0.0},
        ]


def last_layer(module: AttributeHead | RelationHead) -> nn.Linear:
    """The layer that gives the words' scores."""
    layer = module.out[-1]
    assert isinstance(layer, nn.Linear)
    return layer


@tasks("default_attributes.v1")
class DefaultAttributes(HeadTask):
    """Words for regions, from what captions say of them.

    Source: Elkan and Noto 2008 (what is not said need not be false: a probability is that of being said).
    """

    def __init__(
        self,
        seen: SeenPhotos,
        labels: RegionLabels,
        training: RowArray,
        held_out: RowArray,
        /,
        *,
        width: int = 192,
        dropout: float = 0.3,
        feature_dropout: float = 0.2,
        averaging: float = 0.99,
    ) -> None:
        self.seen, self.labels = seen, labels
        module = AttributeHead(
            labels.targets.shape[1], channels=seen.whole_backbone.shape[1], width=width, dropout=dropout,
            feature_dropout=feature_dropout,
        )  # fmt: skip
        super().__init__(module, training, held_out, labels.targets, labels.weights, averaging)

    def inputs(self, rows: RowArray) -> dict[str, Tensor]:
        return self.seen.regions(self.labels.photos[rows], self.labels.regions[rows])


@tasks("default_relations.v1")
class DefaultRelations(HeadTask):
    """Predicates for ordered pairs of regions that a caption speaks of, from what captions say of them."""

    def __init__(
        self,
        seen: SeenPhotos,
        labels: PairLabels,
        training: RowArray,
        held_out: RowArray,
        /,
        *,
        width: int = 128,
        dropout: float = 0.3,
        feature_dropout: float = 0.2,
        averaging: float = 0.99,
    ) -> None:
        self.seen, self.labels = seen, labels
        module = RelationHead(
            labels.targets.shape[1], channels=seen.whole_backbone.shape[1], width=width, dropout=dropout,
            feature_dropout=feature_dropout,
        )  # fmt: skip
        super().__init__(module, training, held_out, labels.targets, np.ones_like(labels.targets), averaging)
        with torch.no_grad():  # it begins with what is usual
            module.usual.copy_(torch.from_numpy(self._usual()))
            last_layer(module).bias.zero_()
            last_layer(module).weight.mul_(FIRST)

    def _usual(self) -> FloatArray:
        """Log odds of each predicate between two classes in training; seldom met ones are like all."""
        labels, scores = self.labels, self.seen.view.scores
        photos, targets = labels.photos[self.training], self.targets[self.training]
        ends = (labels.subjects[self.training], labels.objects[self.training])
        pair = tuple(np.asarray(scores[photos, end]).argmax(axis=1) for end in ends)
        general = (targets.sum(axis=0) + 0.5) / (len(targets) + 1)
        sums = np.tile(COMMON * general, (CLASSES, CLASSES, 1))
        counts = np.full((CLASSES, CLASSES, 1), float(COMMON))
        np.add.at(sums, pair, targets)
        np.add.at(counts, pair, 1.0)
        chance = sums / counts
        return np.asarray(np.log(chance / (1 - chance)), dtype=np.float32)

    def inputs(self, rows: RowArray) -> dict[str, Tensor]:
        labels = self.labels
        return self.seen.pairs(labels.photos[rows], labels.subjects[rows], labels.objects[rows])
