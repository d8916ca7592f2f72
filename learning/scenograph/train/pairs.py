"""The task of every deep method on pairs of features: two nets, a head, a weighted sum of losses, hooks."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from scenograph.components import Sizes, hooks, losses
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.recipe import Recipe
from scenograph.scene.errors import InvalidInput
from scenograph.train.distributed import gathered
from scenograph.train.scores import score_pairs
from scenograph.train.task import RowArray, Task
from scenograph.train.towers import as_tensor, encode, make_tower

Values = dict[str, Tensor]


class PairTask(Task):
    """Trains a recipe's nets on paired features.

    A loss reads a step's values by the names of its forward's arguments:

    - `image`, `text` (B, D): the head's vectors; `image_output`, `text_output` (B, D): before the head;
    - `image_features`, `text_features` (B, dx), (B, dy): the scaled features;
    - `labels` (B, classes): 0 and 1, where the data has labels; `rows` (B,): the pairs' places in the data;
    - whatever else a net gives beside its output, `image_<name>`, `text_<name>`, and what hooks give.

    With several processes all values are those of the whole batch. Errors: InvalidInput (a loss reads a value
    that nothing gives).
    """

    def __init__(self, recipe: Recipe, train: FeatureSplit, dev: FeatureSplit | None = None) -> None:
        self.recipe = recipe
        self.train, self.dev = train, dev
        self.rows = len(train.ids)
        self.sizes = Sizes(
            image=train.image.shape[1],
            text=train.text.shape[1],
            dimension=recipe.head.dimension,
            classes=train.labels.shape[1],
            pairs=self.rows,
        )
        extra = tuple(map(Path, recipe.components))
        self.image = make_tower(recipe, "image", self.sizes.image)
        self.text = make_tower(recipe, "text", self.sizes.text)
        self.image.scale.fit(train.image)
        self.text.scale.fit(train.text)
        self.terms = nn.ModuleList(
            losses.build(term.name, self.sizes, parameters=term.parameters, extra=extra)
            for term in recipe.loss
        )
        self.module = nn.ModuleDict({"image": self.image, "text": self.text, "losses": self.terms})
        self.hooks = tuple(
            hooks.build(one.name, self.sizes, parameters=one.parameters, extra=extra) for one in recipe.hook
        )
        self.values: Values = {}

    def batch(self, rows: RowArray, rng: np.random.Generator) -> Values:
        batch = {
            "image": as_tensor(self.train.image[rows]),
            "text": as_tensor(self.train.text[rows]),
            "rows": torch.from_numpy(rows),
        }
        if self.sizes.classes:
            batch["labels"] = as_tensor(self.train.labels[rows])
        return batch

    def losses(self, batch: Values) -> Values:
        values: Values = {name: batch[name] for name in ("rows", "labels") if name in batch}
        for side, tower in (("image", self.image), ("text", self.text)):
            found = tower(batch[side])
            values[side] = found.pop("vector")
            values |= {f"{side}_{name}": value for name, value in found.items()}
        values = {name: gathered(value) for name, value in values.items()}
        for hook in self.hooks:
            values |= hook.values(values)
        self.values = {name: value.detach() for name, value in values.items()}
        parts: Values = {}
        for term, loss in zip(self.recipe.loss, self.terms, strict=True):
            part = term.weight * loss(**_arguments(term.name, loss, values))
            parts[term.name] = parts[term.name] + part if term.name in parts else part
        return parts

    def validate(self) -> dict[str, float]:
        if self.dev is None:
            return {}
        image, text = (vectors.cpu().numpy() for vectors in self.encode(self.dev))
        return score_pairs(image, text, self.dev.labels, binary=self.recipe.head.kind != "real")

    def encode(self, split: FeatureSplit) -> tuple[Tensor, Tensor]:
        """Both modalities' outputs before the head, in evaluation mode, without gradients.

        Shapes: n pairs -> (n, D), (n, D); bit i is value i > 0.
        """
        return encode(self.image, split.image), encode(self.text, split.text)


def _arguments(name: str, loss: nn.Module, values: Values) -> Values:
    """The values that a loss reads."""
    found: Values = {}
    for parameter in inspect.signature(loss.forward).parameters.values():
        if parameter.name in values:
            found[parameter.name] = values[parameter.name]
        elif parameter.default is inspect.Parameter.empty:
            known = ", ".join(sorted(values))
            raise InvalidInput(f'loss "{name}" reads {parameter.name!r}, which nothing gives; known: {known}')
    return found
