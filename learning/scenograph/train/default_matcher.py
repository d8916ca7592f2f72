"""The default pack's learned matcher: visual and textual units, trained together against hard negatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scenograph.components import tasks
from scenograph.losses.grid_contrast import grid_contrast
from scenograph.metrics.retrieval import caption_retrieval
from scenograph.nn.matcher_towers import MatcherTowers
from scenograph.nn.text_units import TextUnits
from scenograph.nn.visual_units import VisualUnits
from scenograph.train.averaging import AveragedWeights
from scenograph.train.precision import half_where_fast
from scenograph.train.task import RowArray, Task
from scenograph.train.units import PartStates, UnitView, said_parts, seen_units

NEIGHBOURS, GROUP = 24, 8
SAMPLE = 1500


@dataclass(frozen=True, slots=True, eq=False)
class MatcherData:
    """Photographs in several views, the original first; captions, `captions_each` a photo, in order; captions
    made false: those of caption i are rows first[i] ... first[i + 1] - 1 of `negatives`.
    """

    views: Sequence[UnitView]
    captions: PartStates
    negatives: PartStates
    first: NDArray[np.int64]
    captions_each: int = 5


@tasks("default_matcher.v1")
class DefaultMatcher(Task):
    """Contrast of photos and captions in batches of photos said alike, and of true and false captions.

    `photos` are the rows of `data` to train on, `held_out` those to validate on. `hard` is the share of
    photos that bring their neighbours (by their captions' vectors) into the batch; `unit_dropout` hides
    units; `negative` weighs the preference for the true caption. `averaging` is the old weights' share in
    the average that is kept.
    Source: van den Oord et al. 2018 (InfoNCE); Yuksekgonul et al. 2023 (hard captions and hard batches).
    """

    def __init__(
        self,
        data: MatcherData,
        photos: RowArray,
        held_out: RowArray,
        /,
        *,
        width: int = 128,
        size: int = 128,
        hidden: int = 512,
        dropout: float = 0.15,
        feature_dropout: float = 0.2,
        pooled_dropout: float = 0.3,
        state_dropout: float = 0.2,
        unit_dropout: float = 0.15,
        captions: int = 5,
        hard: float = 0.5,
        negative: float = 0.5,
        averaging: float = 0.99,
        bfloat16: bool = True,
    ) -> None:
        self.data, self.photos, self.held_out = data, photos, held_out
        self.rows, self.captions = len(photos), captions
        self.unit_dropout, self.hard, self.negative, self.bfloat16 = unit_dropout, hard, negative, bfloat16
        self.towers = MatcherTowers(
            VisualUnits(
                channels=data.views[0].backbone.shape[2], width=width, size=size, hidden=hidden,
                dropout=dropout, feature_dropout=feature_dropout, pooled_dropout=pooled_dropout,
            ),
            TextUnits(width=width, size=size, hidden=hidden, dropout=dropout, state_dropout=state_dropout),
        )  # fmt: skip
        self._fit_inputs()
        self.module = self.towers
        self.average = AveragedWeights(averaging)
        self.hooks = (self.average,)
        self._near = self._neighbours() if hard else np.zeros((len(photos), 0), dtype=np.int64)

    def order(self, rng: np.random.Generator) -> RowArray:
        """Every photo once, some followed by photos that are said alike."""
        left = np.ones(self.rows, dtype=bool)
        found: list[int] = []
        for row in rng.permutation(self.rows):
            if not left[row]:
                continue
            group = [int(row)]
            left[row] = False
            if rng.random() < self.hard:
                near = self._near[row][left[self._near[row]]]
                group += rng.permutation(near)[: GROUP - 1].tolist()
            left[group] = False
            found += group
        return np.array(found, dtype=np.int64)

    def batch(self, rows: RowArray, rng: np.random.Generator) -> dict[str, Any]:
        photos, each = self.photos[rows], self.data.captions_each
        chosen = np.argsort(rng.random((len(photos), each)), axis=1)[:, : self.captions]
        captions = (photos[:, None] * each + chosen).ravel()
        seen = seen_units(self.data.views, photos, rng.integers(0, len(self.data.views), len(photos)))
        seen["present"] *= torch.from_numpy(rng.random(seen["present"].shape) >= self.unit_dropout)
        first, counts = self.data.first[captions], np.diff(self.data.first)[captions]
        false = np.flatnonzero(counts)
        drawn = first[false] + rng.integers(0, counts[false])
        return {
            "seen": seen,
            "said": said_parts(self.data.captions, captions),
            "false": said_parts(self.data.negatives, drawn),
            "caption": torch.from_numpy(false),
        }

    def losses(self, batch: Any) -> Mapping[str, Tensor]:
        caption = batch["caption"]
        owner = caption // self.captions
        with half_where_fast(caption.device.type, wanted=self.bfloat16):
            grid, false = self.towers.grid_and_own(batch["seen"], batch["said"], batch["false"], owner)
        true = grid[caption, owner]
        return {
            "contrast": grid_contrast(grid, caption, false) / 2,
            "true_first": self.negative * functional.softplus(false - true).sum() / max(len(false), 1),
        }

    def validate(self) -> Mapping[str, float]:
        """Recall at 1 and 10 in per cent, both ways, of the averaged weights on the held-out photos, and how
        many true captions are preferred to the first false one made of each.
        """
        if not len(self.held_out):
            return {}
        with self.average.weights(self.module):
            scores, preferred = self.scores(self.held_out)
        owner = np.repeat(np.arange(len(self.held_out)), self.data.captions_each)
        t2i, i2t = caption_retrieval(scores.T, owner, (1, 10))
        found = {
            f"{way}_r{k}": 100 * recalls.recall[k]
            for way, recalls in (("t2i", t2i), ("i2t", i2t))
            for k in (1, 10)
        }
        return {**found, "recalls": sum(found.values()), "preferred": 100 * preferred}

    def scores(self, photos: RowArray) -> tuple[NDArray[np.float32], float]:
        """Scores of all their captions with these photos, and the share of true captions preferred to false
        ones.

        Shapes: -> (n * captions_each, n).
        """
        each = self.data.captions_each
        captions = (photos[:, None] * each + np.arange(each)).ravel()
        first, counts = self.data.first[captions], np.diff(self.data.first)[captions]
        false = np.flatnonzero(counts)
        with torch.inference_mode(), half_where_fast("cpu", wanted=self.bfloat16):
            seen = seen_units(self.data.views, photos, np.zeros(len(photos), np.int64))
            parts = np.array_split(captions, max(1, len(captions) // 100))
            told = [self.towers.grid(seen, said_parts(self.data.captions, part)) for part in parts]
            grid = torch.cat(told)
            owner = torch.from_numpy(false // each)
            _, made = self.towers.grid_and_own(
                seen, said_parts(self.data.captions, captions[:1]),
                said_parts(self.data.negatives, first[false]), owner,
            )  # fmt: skip
        true = grid[torch.from_numpy(false), owner]
        preferred = float((true > made).float().mean()) if len(false) else 0.0
        return grid.numpy(), preferred

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        every = list(self.module.parameters())
        return [
            {"params": [one for one in every if one.ndim > 1], "lr": lr},
            {"params": [one for one in every if one.ndim <= 1], "lr": lr, "weight_decay": 0.0},
        ]

    def _fit_inputs(self) -> None:
        """Mean and deviation of the pooled features over training photos, the original view."""
        view = self.data.views[0]
        some = np.sort(np.random.default_rng(0).permutation(self.photos)[:SAMPLE])
        pooled = np.concatenate([view.pooled[some], view.detector_pooled[some]], axis=1)
        self.towers.visual.pooled_scale.fit(torch.from_numpy(np.asarray(pooled, dtype=np.float32)))

    def _neighbours(self) -> NDArray[np.int64]:
        """For each training photo the nearest others by the mean of their captions' vectors, as rows."""
        each = self.data.captions_each
        vectors = np.asarray(self.data.captions.sentence, dtype=np.float32)
        means = vectors.reshape(-1, each, vectors.shape[-1]).mean(axis=1)[self.photos]
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        cosine = means @ means.T
        np.fill_diagonal(cosine, -2.0)
        near = np.argpartition(-cosine, min(NEIGHBOURS, len(means) - 1), axis=1)[:, :NEIGHBOURS]
        return near.astype(np.int64)
