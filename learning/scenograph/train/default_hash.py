"""The default pack's hash head: codes that rank as the embeddings do, taught together with the
projections.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from scenograph.components import tasks
from scenograph.losses.caption_contrast import caption_contrast
from scenograph.metrics.retrieval import caption_retrieval
from scenograph.nn.hash_head import LENGTHS, HashHead
from scenograph.nn.image_head import LEVELS
from scenograph.nn.projection import side_by_side
from scenograph.nn.towers import Towers
from scenograph.train.averaging import AveragedWeights
from scenograph.train.precision import half_where_fast
from scenograph.train.task import RowArray, Task
from scenograph.train.tower_data import TowerData

MAX_SCALE = 100.0
ROWS = 200  # photographs at a time, where all are gone through
Levels = dict[str, Tensor]


class HashTeaching(nn.Module):
    """Towers of which only the projections learn, the hash head, and the temperature of each code length."""

    def __init__(self, towers: Towers, head: HashHead, temperature: float) -> None:
        super().__init__()
        self.towers = towers.requires_grad_(False)
        self.towers.image.levels.requires_grad_(True)
        self.towers.text.levels.requires_grad_(True)
        self.head = head
        self.log_scales = nn.Parameter(torch.full((len(LENGTHS),), 1.0 / temperature).log())

    def codes(self, levels: Levels) -> Tensor:
        """Signs, with the gradient of the tanh of the projections.  Shapes: (B, d) each -> (B, 256), -1 or
        1.
        """
        soft = self.soft(levels)
        return soft + (torch.where(soft > 0, 1.0, -1.0) - soft).detach()

    def soft(self, levels: Levels) -> Tensor:
        """The tanh of the projections.  Shapes: (B, d) each -> (B, 256)."""
        return torch.tanh(self.head(self.joined(levels)))

    def joined(self, levels: Levels) -> Tensor:
        """The embedding.  Shapes: (B, d) each -> (B, sum of d)."""
        return side_by_side(list(levels.values()), self.towers.image.weights)


@tasks("default_hash.v1")
class DefaultHash(Task):
    """Contrast of photos and captions by their codes of each length, by the code of one and the projections
    of the other, and still by each level's vectors.

    The tuned layers of the towers stay as they are; dropout makes photos and captions of the training set no
    nearer to each other than new ones are. The codes start from `directions` of each level
    (`HashHead.start`). `code` weighs them against the levels' vectors, `asymmetric` codes against projections
    beside codes against codes, `balance` how far a bit may be from being 1 for half of all. `averaging` is
    the old weights' share in the average that is kept.
    Sources: Bengio et al. 2013 (straight-through gradients), Kusupati et al. 2022 (nested representations),
    Dong et al. 2008 (asymmetric distances).
    """

    def __init__(
        self,
        towers: Towers,
        data: TowerData,
        photos: RowArray,
        held_out: RowArray,
        /,
        *,
        directions: tuple[int, ...] = (85, 24, 16, 24),
        captions: int = 2,
        temperature: float = 0.06,
        hash_lr: float = 1e-2,
        scale_lr: float = 3e-3,
        code: float = 1.0,
        asymmetric: float = 1.0,
        balance: float = 0.1,
        averaging: float = 0.98,
        views: int = 3,
        bfloat16: bool = True,
    ) -> None:
        self.towers, self.data, self.photos, self.held_out = towers.eval(), data, photos, held_out
        self.rows, self.captions, self.bfloat16 = len(photos), captions, bfloat16
        self.hash_lr, self.scale_lr = hash_lr, scale_lr
        self.code, self.asymmetric, self.balance = code, asymmetric, balance
        self.tuned = [self._tuned(view) for view in range(views)]
        self.pooled = self._pooled()
        head = HashHead()
        first = photos * data.captions_each
        with torch.no_grad():
            image, text = self._levels(photos, np.zeros_like(photos), first)
        self.teaching = HashTeaching(towers, head, temperature)
        with torch.no_grad():
            head.start(self.teaching.joined(image), self.teaching.joined(text), directions)
        self.module = self.teaching
        self.average = AveragedWeights(averaging)
        self.hooks = (self.average,)

    def batch(self, rows: RowArray, rng: np.random.Generator) -> Any:
        photos, each = self.photos[rows], self.data.captions_each
        views = rng.integers(0, len(self.tuned), len(photos))
        chosen = np.argsort(rng.random((len(photos), each)), axis=1)[:, : self.captions]
        return self._inputs(photos, views, (photos[:, None] * each + chosen).ravel())

    def losses(self, batch: Any) -> Mapping[str, Tensor]:
        image, text = self._by_level(*batch)
        vectors = [caption_contrast(image[name], text[name], self.towers.scale(name)) for name in LEVELS]
        image_codes, text_codes = self.teaching.codes(image), self.teaching.codes(text)
        scales = self.teaching.log_scales.exp().clamp(max=MAX_SCALE)
        codes = [
            caption_contrast(
                image_codes[:, :length] / length**0.5, text_codes[:, :length] / length**0.5, scale
            )
            for length, scale in zip(LENGTHS, scales, strict=True)
        ]
        longest = LENGTHS[-1] ** 0.5
        met = [
            caption_contrast(image_codes / longest, normalize(self.teaching.soft(text), dim=-1), scales[-1]),
            caption_contrast(normalize(self.teaching.soft(image), dim=-1), text_codes / longest, scales[-1]),
        ]
        means = torch.stack([codes.mean(dim=0) for codes in (image_codes, text_codes)])
        return {
            "levels": torch.stack(vectors).sum(),
            "codes": self.code * torch.stack(codes).sum(),
            "asymmetric": self.code * self.asymmetric * torch.stack(met).sum(),
            "balance": self.balance * means.square().mean() * longest,
        }

    def validate(self) -> Mapping[str, float]:
        """Text-to-image recall at 10 in per cent among the held-out photos, by embeddings, by codes, and by
        the captions' projections and the photos' codes.
        """
        if not len(self.held_out):
            return {}
        with self.average.weights(self.module), torch.no_grad():
            captions = self.data.captions_of(self.held_out)
            image, text = self._levels(self.held_out, np.zeros_like(self.held_out), captions)
            vectors = [self.teaching.joined(levels) for levels in (image, text)]
            asked = self.teaching.head(vectors[1])
            signs = [self.teaching.codes(levels) for levels in (image, text)]
        owner = np.repeat(np.arange(len(self.held_out)), self.data.captions_each)
        scored = {"float": vectors[0] @ vectors[1].T, "asymmetric": signs[0] @ asked.T}
        found = {
            name: caption_retrieval(scores.numpy(), owner, (10,))[0].recall[10]
            for name, scores in scored.items()
        }
        for length in LENGTHS:
            scores = (signs[0][:, :length] @ signs[1][:, :length].T).numpy()
            found[f"bits{length}"] = caption_retrieval(scores, owner, (10,))[0].recall[10]
        return {name: 100 * recall for name, recall in found.items()}

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        heads = [*self.towers.image.levels.parameters(), *self.towers.text.levels.parameters()]
        return [
            {"params": heads, "lr": lr},
            {"params": list(self.teaching.head.parameters()), "lr": self.hash_lr, "weight_decay": 0.0},
            {"params": [self.teaching.log_scales], "lr": self.scale_lr, "weight_decay": 0.0},
        ]

    def _levels(self, photos: RowArray, views: RowArray, captions: RowArray) -> tuple[Levels, Levels]:
        return self._by_level(*self._inputs(photos, views, captions))

    def _inputs(self, photos: RowArray, views: RowArray, captions: RowArray) -> tuple[Levels, Levels]:
        """What the projections take of photos and captions."""
        tuned = [self.tuned[view][photo] for view, photo in zip(views, photos, strict=True)]
        seen = self.data.seen(photos, views, states=False) | {"tuned": torch.stack(tuned).float()}
        return seen, {name: rows[captions] for name, rows in self.pooled.items()}

    def _by_level(self, seen: Levels, pooled: Levels) -> tuple[Levels, Levels]:
        with half_where_fast(seen["detector"].device.type, wanted=self.bfloat16):
            return self.towers.image.by_level(seen), self.towers.text.by_level(pooled)

    def _tuned(self, view: int) -> Tensor:
        """The tuned stage's features of all photographs in a view.  Shape: (n, 2560) float16."""
        states = self.data.views[view].states
        with torch.inference_mode(), half_where_fast("cpu", wanted=self.bfloat16):
            parts = [
                self.towers.stage(torch.from_numpy(states[start : start + ROWS].astype(np.float32))).half()
                for start in range(0, len(states), ROWS)
            ]
        return torch.cat(parts)

    def _pooled(self) -> dict[str, Tensor]:
        """Every caption's states as the text head's levels pool them.  Shapes: (captions, 384) each."""
        parts = []
        for photos in np.array_split(np.arange(len(self.data)), max(1, len(self.data) // ROWS)):
            with torch.inference_mode(), half_where_fast("cpu", wanted=self.bfloat16):
                groups = self.data.read(self.data.captions_of(photos))
                pooled = [self.towers.text.pooled(g["tokens"], g["middle"], g["mask"]) for g in groups]
            order = torch.cat([group["row"] for group in groups]).argsort()
            parts.append(
                {name: torch.cat([own[name] for own in pooled])[order].float() for name in pooled[0]}
            )
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
