"""The default pack's two towers: image head, text head and the backbone's last stage, trained together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from scenograph.components import tasks
from scenograph.losses.caption_contrast import caption_contrast
from scenograph.metrics.retrieval import caption_retrieval
from scenograph.nn.image_head import INPUTS, LEVELS, ImageHead
from scenograph.nn.projection import side_by_side
from scenograph.nn.text_head import TextHead
from scenograph.nn.towers import Towers
from scenograph.nn.tuned_stage import TunedStage
from scenograph.train.averaging import AveragedWeights
from scenograph.train.precision import half_where_fast
from scenograph.train.task import RowArray, Task
from scenograph.train.tower_data import TowerData

MAP_SIDE, SMALLEST_SIDE = 9, 7


@tasks("default_towers.v1")
class DefaultTowers(Task):
    """Contrast of photos and captions at each level.

    `photos` are the rows of `data` to train on, `held_out` those to validate on; `stage` and `text_layers`
    are the backbone's last stage and the text encoder's last layers, which are tuned, but not in the first
    `frozen` steps. `captions` of a photo are drawn in each step. `attention` weighs how much the lower
    levels' attention is taught their roles. `averaging` is the old weights' share in the average that is
    kept.
    Source: van den Oord et al. 2018 (InfoNCE).
    """

    def __init__(
        self,
        data: TowerData,
        stage: TunedStage,
        text_layers: Sequence[nn.Module],
        photos: RowArray,
        held_out: RowArray,
        /,
        *,
        sizes: tuple[int, ...] = (384, 192, 192),
        hidden: tuple[int, ...] = (1024, 512, 512),
        input_dropout: float = 0.2,
        dropout: float = 0.4,
        text_dropout: float = 0.3,
        captions: int = 2,
        temperature: float = 0.05,
        stage_lr: float = 2e-4,
        text_lr: float = 1e-4,
        own_weight_decay: float = 0.05,
        frozen: int = 50,
        averaging: float = 0.98,
        attention: float = 0.1,
        bfloat16: bool = True,
    ) -> None:
        self.data, self.photos, self.held_out = data, photos, held_out
        self.rows = len(photos)
        self.captions, self.frozen, self.attention, self.bfloat16 = captions, frozen, attention, bfloat16
        self.stage_lr, self.text_lr, self.own_weight_decay = stage_lr, text_lr, own_weight_decay
        image = ImageHead(sizes=sizes, hidden=hidden, input_dropout=input_dropout, dropout=dropout)
        text = TextHead(sizes=sizes, hidden=hidden, dropout=text_dropout)
        for own, given in zip(text.layers, text_layers, strict=True):
            own.load_state_dict(given.state_dict())
        self.towers = Towers(image, text, stage, temperature)
        self.module = self.towers
        self.average = AveragedWeights(averaging)
        self.hooks = (self.average,)
        self._fit_inputs()

    def batch(self, rows: RowArray, rng: np.random.Generator) -> dict[str, Any]:
        photos, each = self.photos[rows], self.data.captions_each
        views = rng.integers(0, len(self.data.views), len(photos))
        chosen = np.argsort(rng.random((len(photos), each)), axis=1)[:, : self.captions]
        sides = rng.integers(SMALLEST_SIDE, MAP_SIDE + 1, 2)
        top, left = rng.integers(0, MAP_SIDE + 1 - sides)
        seen = self.data.seen(photos, views)
        seen["states"] = seen["states"][:, top : top + sides[0], left : left + sides[1]]
        return {"seen": seen, "read": self.data.read((photos[:, None] * each + chosen).ravel())}

    def losses(self, batch: Any) -> Mapping[str, Tensor]:
        tuned = self.average.steps >= self.frozen
        device = batch["seen"]["detector"].device.type
        with half_where_fast(device, wanted=self.bfloat16):
            image = self.towers.image_levels(batch["seen"], tuned=tuned)
            text, taught = self.towers.text_levels(batch["read"], tuned=tuned)
        found = {name: caption_contrast(image[name], text[name], self.towers.scale(name)) for name in LEVELS}
        return {**found, "attention": self.attention * taught}

    def validate(self) -> Mapping[str, float]:
        """Recall at 1 and 10 in per cent, both ways, of the averaged weights on the held-out photos; their
        sum.
        """
        if not len(self.held_out):
            return {}
        with self.average.weights(self.module):
            image, text = self.embed(self.held_out)
        owner = np.repeat(np.arange(len(image)), self.data.captions_each)
        t2i, i2t = caption_retrieval((image @ text.T).numpy(), owner, (1, 10))
        found = {
            f"{way}_r{k}": 100 * recalls.recall[k]
            for way, recalls in (("t2i", t2i), ("i2t", i2t))
            for k in (1, 10)
        }
        return {**found, "recalls": sum(found.values())}

    def embed(self, photos: RowArray, view: int = 0) -> tuple[Tensor, Tensor]:
        """Embeddings of photos in one view and of their captions.  Shapes: (n, D), (n * captions_each, D)."""
        tuned = self.average.steps >= self.frozen
        images, texts = [], []
        for rows in np.array_split(photos, max(1, len(photos) // 200)):
            with torch.inference_mode(), half_where_fast("cpu", wanted=self.bfloat16):
                image = self.towers.image_levels(self.data.seen(rows, np.full(len(rows), view)), tuned=tuned)
                text, _ = self.towers.text_levels(self.data.read(self.data.captions_of(rows)), tuned=tuned)
            images.append(side_by_side(list(image.values()), self.towers.image.weights))
            texts.append(side_by_side(list(text.values()), self.towers.text.weights))
        return torch.cat(images), torch.cat(texts)

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        stage, layers = list(self.towers.stage.parameters()), list(self.towers.text.layers.parameters())
        own = {id(one) for one in (*stage, *layers)}
        heads = [one for one in self.module.parameters() if id(one) not in own]
        return [
            {"params": [one for one in heads if one.ndim > 1], "lr": lr},
            {"params": [one for one in heads if one.ndim <= 1], "lr": lr, "weight_decay": 0.0},
            {"params": stage, "lr": self.stage_lr, "weight_decay": self.own_weight_decay},
            {"params": layers, "lr": self.text_lr, "weight_decay": self.own_weight_decay},
        ]

    def _fit_inputs(self) -> None:
        """Means and deviations of what the heads take, over the training photos and captions."""
        image, text = self.towers.image, self.towers.text
        seen = self.data.seen(self.photos, np.zeros(len(self.photos), np.int64), states=False)
        for name in INPUTS:
            image.standardise(name).fit(seen["backbone" if name == "tuned" else name])
        rows = self.data.captions_of(self.photos)
        text.standardise("scene").fit(torch.from_numpy(self.data.tokens.sentence[rows]), together=True)
        some = np.concatenate([self.data.tokens.caption(row) for row in rows[::7]]).astype(np.float32)
        for name in list(LEVELS)[1:]:
            text.standardise(name).fit(torch.from_numpy(some), together=True)
