"""The default pack's hash head: codes that rank as the embeddings do, taught on trained towers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax

from scenograph.components import tasks
from scenograph.losses.caption_contrast import caption_contrast
from scenograph.metrics.retrieval import caption_retrieval
from scenograph.nn.hash_head import LENGTHS, HashHead
from scenograph.nn.projection import side_by_side
from scenograph.nn.towers import Towers
from scenograph.train.task import RowArray, Task
from scenograph.train.tower_data import TowerData

MAX_SCALE = 100.0
ROWS = 200  # photographs at a time, where all are gone through


class HashTeaching(nn.Module):
    """The hash head with the temperature of each code length."""

    def __init__(self, head: HashHead, temperature: float) -> None:
        super().__init__()
        self.head = head
        self.log_scales = nn.Parameter(torch.full((len(LENGTHS),), 1.0 / temperature).log())

    def codes(self, embeddings: Tensor) -> Tensor:
        """Signs, with the gradient of the tanh of the projections.  Shapes: (B, D) -> (B, 256), -1 or 1."""
        soft = torch.tanh(self.head(embeddings))
        return soft + (torch.where(soft > 0, 1.0, -1.0) - soft).detach()


@tasks("default_hash.v1")
class DefaultHash(Task):
    """Codes of each length whose Hamming distances rank photos for captions, and captions for photos.

    The towers stay as they are but keep their dropout on, so that photos and captions of the training set
    are no nearer to each other than new ones. `distil` weighs how far a code's softmax over a batch may
    stray from the embedding's, `balance` how far a bit may be from being 1 for half of all.
    Sources: Bengio et al. 2013 (straight-through gradients), Hinton et al. 2015 (distillation), Kusupati et
    al. 2022 (nested representations).
    """

    def __init__(
        self,
        towers: Towers,
        data: TowerData,
        photos: RowArray,
        held_out: RowArray,
        /,
        *,
        hidden: int = 512,
        captions: int = 2,
        temperature: float = 0.1,
        teacher_temperature: float = 0.05,
        distil: float = 1.0,
        balance: float = 0.1,
        views: int = 3,
    ) -> None:
        self.towers, self.data, self.photos, self.held_out = towers.eval(), data, photos, held_out
        self.tuned = [self._tuned(view) for view in range(views)]
        self.pooled = self._pooled()
        self.rows = len(photos)
        self.captions, self.teacher_temperature = captions, teacher_temperature
        self.distil, self.balance = distil, balance
        self.teaching = HashTeaching(HashHead(hidden=hidden), temperature)
        self.module = self.teaching

    def batch(self, rows: RowArray, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        photos, each = self.photos[rows], self.data.captions_each
        views = rng.integers(0, len(self.tuned), len(photos))
        chosen = np.argsort(rng.random((len(photos), each)), axis=1)[:, : self.captions]
        self.towers.train()
        return self._embed(photos, views, (photos[:, None] * each + chosen).ravel())

    def losses(self, batch: Any) -> Mapping[str, Tensor]:
        image, text = batch
        image_codes, text_codes = self.teaching.codes(image), self.teaching.codes(text)
        taught = image @ text.T / self.teacher_temperature
        contrast, strayed = [], []
        for length, scale in zip(LENGTHS, self.teaching.log_scales.exp().clamp(max=MAX_SCALE), strict=True):
            ours, theirs = (codes[:, :length] / length**0.5 for codes in (image_codes, text_codes))
            contrast.append(caption_contrast(ours, theirs, scale))
            told = scale * ours @ theirs.T
            for one, other in ((told, taught), (told.T, taught.T)):
                strayed.append(
                    kl_div(log_softmax(one, 1), log_softmax(other, 1), reduction="batchmean", log_target=True)
                )
        means = torch.stack([codes.mean(dim=0) for codes in (image_codes, text_codes)])
        return {
            "contrast": torch.stack(contrast).mean(),
            "distil": self.distil * torch.stack(strayed).mean(),
            "balance": self.balance * means.square().mean() * LENGTHS[-1] ** 0.5,
        }

    def validate(self) -> Mapping[str, float]:
        """Text-to-image recall at 10 in per cent among the held-out photos, by codes and by embeddings."""
        if not len(self.held_out):
            return {}
        self.towers.eval()
        captions = self.data.captions_of(self.held_out)
        image, text = self._embed(self.held_out, np.zeros_like(self.held_out), captions)
        owner = np.repeat(np.arange(len(image)), self.data.captions_each)
        found = {"float": caption_retrieval((image @ text.T).numpy(), owner, (10,))[0].recall[10]}
        signs = [torch.where(self.teaching.head(vectors) > 0, 1.0, -1.0) for vectors in (image, text)]
        for length in LENGTHS:
            scores = (signs[0][:, :length] @ signs[1][:, :length].T).numpy()
            found[f"bits{length}"] = caption_retrieval(scores, owner, (10,))[0].recall[10]
        return {name: 100 * recall for name, recall in found.items()}

    def _embed(self, photos: RowArray, views: RowArray, captions: RowArray) -> tuple[Tensor, Tensor]:
        seen = self.data.seen(photos, views, states=False)
        tuned = [self.tuned[view][photo] for view, photo in zip(views, photos, strict=True)]
        with torch.no_grad():
            image = self.towers.image.by_level(seen | {"tuned": torch.stack(tuned).float()})
            text = self.towers.text.by_level({name: rows[captions] for name, rows in self.pooled.items()})
        return (
            side_by_side(list(image.values()), self.towers.image.weights),
            side_by_side(list(text.values()), self.towers.text.weights),
        )

    def _tuned(self, view: int) -> Tensor:
        """The tuned stage's features of all photographs in a view.  Shape: (n, 2560) float16."""
        states = self.data.views[view].states
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            parts = [
                self.towers.stage(torch.from_numpy(states[start : start + ROWS].astype(np.float32))).half()
                for start in range(0, len(states), ROWS)
            ]
        return torch.cat(parts)

    def _pooled(self) -> dict[str, Tensor]:
        """Every caption's states as the text head's levels pool them.  Shapes: (captions, 384) each."""
        parts = []
        for photos in np.array_split(np.arange(len(self.data)), max(1, len(self.data) // ROWS)):
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                groups = self.data.read(self.data.captions_of(photos))
                pooled = [self.towers.text.pooled(g["tokens"], g["middle"], g["mask"]) for g in groups]
            order = torch.cat([group["row"] for group in groups]).argsort()
            parts.append(
                {name: torch.cat([own[name] for own in pooled])[order].float() for name in pooled[0]}
            )
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
